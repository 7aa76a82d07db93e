/*
 * What an operator must hear although no call failed. Goes to syslog(3), facility "daemon"; never
 * holds a secret.
 */
#ifndef BYOK_BASE_NOTICE_H
#define BYOK_BASE_NOTICE_H

#include "base/status.h"

/* "byok: WHAT: the status's text", at level warning. */
void byok_notice(const char *what, const struct byok_status *status);

#endif
