/*
 * The environment variables of nSelf's BYOK plugin, which configure one KEK where nothing else
 * does.
 */
#ifndef BYOK_KMS_ENVIRONMENT_H
#define BYOK_KMS_ENVIRONMENT_H

#include "kms/options.h"

/*
 * Sets the KEK's options from the environment; *found says whether BYOK_PROVIDER names a KMS. Fails
 * with BYOK_R_BAD_VALUE, naming the variable and the valid values, or BYOK_R_CONFIG when a variable
 * that the KMS needs is missing. A set-user-ID process sees no variable.
 */
int byok_environment_read(struct byok_options *options, int *found, struct byok_status *status);

#endif
