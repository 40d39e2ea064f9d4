/* What a service tells by sd_notify(3). */
#pragma once

#include "manager/private.h"

/* TEXT: newline-separated assignments, sent by PID. Unknown ones are ignored, as are all from a process that
 * NotifyAccess= does not let speak. */
void notify_receive(struct unit *unit, pid_t pid, const char *text);
