/* `svcd --verify FILE…`, which `svcctl verify` runs: needs no running manager and no privilege. */
#pragma once

/* Loads each file and compiles its command lines, prints what is wrong on standard error. Returns an exit
 * status: 0 when all are right, 1 otherwise. FILES ends with NULL. */
int verify_files(char **files);
