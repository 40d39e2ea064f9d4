/* What the payload may do: capability sets, no-new-privileges, the system call filter. */
#pragma once

#include "engine/build.h"

/* "CAP_KILL CAP_NET_ADMIN"; "all", "all but CAP_SYS_TIME", "none". Heap, the caller's; NULL when out of
 * memory. */
char *control_print_capabilities(uint64_t set);

/* The number of a capability, below 64, by its name "CAP_KILL". */
bool control_find_capability(const char *name, unsigned *ret);

/* The bounding set the payload gets: the spec's without what its Protect*= fields take away. */
uint64_t control_bounding_set(const struct spec *spec);
/* Whether no_new_privileges is asked for or implied. The identity must be resolved. */
bool control_no_new_privileges(const struct build *build);

/* Takes all operation control from a spec, for a command that joins its container; what the fields point to is not freed. */
void control_lift(struct spec *spec);

/* Checks that the sets can be given. */
int control_check(struct build *build);
/* Appends, in this order, what must happen before the identity changes, and all after it up to PROGRAM_EXEC.
 */
void control_emit_bounding_set(struct build *build);
int control_emit(struct build *build);
