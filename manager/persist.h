/* Between a unit in memory and its slot in the store. */
#pragma once

#include "manager/private.h"

/* Writes the unit's state into its slot, which is made if need be; in force with the next store_commit(). A
 * unit that was never anything but loaded has none. Without memory the unit is not remembered: -ENOMEM. */
int persist_write(struct unit *unit);
void persist_forget(struct unit *unit);
/* Loads every remembered unit, with its processes, deadlines and job. -ENOMEM. */
int persist_restore(struct manager *manager);
