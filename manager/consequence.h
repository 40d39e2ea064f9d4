/* What happens to one unit means something for others: the work that unit_set_state() and others note and
 * manager_run() does. */
#pragma once

#include "manager/private.h"

/* Does one piece of the unit's noted work; what is left stays queued. */
void consequence_handle(struct unit *unit);
