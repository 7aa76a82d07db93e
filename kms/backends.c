#include "kms/backend.h"

const struct byok_backend *const byok_backends[] = {&byok_backend_local, NULL};
