/* utmp and wtmp: who is on which terminal. System calls only. */
#pragma once

#include <stdbool.h>
#include <utmp.h>

#include "base/macros.h"

/* Finds the record of a process with the id ID (4 bytes, padded with NULs) in /var/run/utmp. Returns whether there is one. */
bool accounting_find(const char id[static 4], struct utmp *ret);

/* Puts RECORD in the place of the process record that has its id, or at the end, and appends it to /var/log/wtmp. The time is set here.
 * There is nothing a caller could do about an error: a machine without these files has no such accounting. */
void accounting_write(struct utmp *record);
