/*
 * The provider's section in OpenSSL's configuration file, looked at for misspelt options: the core
 * hands over only what it is asked for by name.
 */
#ifndef BYOK_PROVIDER_SECTION_H
#define BYOK_PROVIDER_SECTION_H

#include "base/status.h"

/*
 * Reads the configuration file that this libcrypto loads by default and fails with
 * BYOK_R_UNKNOWN_OPTION when the section of the provider `name` there has an option that doesn't
 * exist. A file without such a section, or none at all, is fine: options may have come by another
 * way.
 */
int byok_section_check(const char *name, struct byok_status *status);

#endif
