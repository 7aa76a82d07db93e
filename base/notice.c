#include "base/notice.h"

#include <syslog.h>

void byok_notice(const char *what, const struct byok_status *status)
{
    syslog(LOG_DAEMON | LOG_WARNING, "byok: %s: %s (%s)", what, status->text,
           byok_reason_find(status->reason)->text);
}
