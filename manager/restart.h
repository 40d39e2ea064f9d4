/* What the end of a process means, and whether and when the service starts again: the tables of
 * systemd.service(5). */
#pragma once

#include "manager/private.h"

/* SERVICE_SUCCESS for a clean end. The main process of a service that is no oneshot may also end by SIGHUP,
 * SIGINT, SIGTERM or SIGPIPE. */
enum service_result restart_classify(const struct unit *unit, const struct unit_process *process);
/* Restart= and the exit statuses that prevent or force it, for the result the service has now. */
bool restart_is_due(const struct unit *unit);
/* RestartSec= with RestartSteps= and RestartMaxDelaySec= for the next automatic restart. */
usec_t restart_delay(const struct unit *unit);
/* "code=exited, status=1", for the log. */
const char *restart_describe(const struct unit_process *process, char *buffer, size_t size);
