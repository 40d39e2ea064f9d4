/* The part of the shutdown that single.c uses too. */
#pragma once

/* SIGKILL to each process whose parent we are now. Returns 0, or a negative errno where there is no /proc. */
int shutdown_kill_children(void);
