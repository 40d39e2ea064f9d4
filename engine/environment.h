/* The payload's environment, and the variables in its command line. */
#pragma once

#include "engine/build.h"

/* Assembles defaults, PassEnvironment=, Environment=, EnvironmentFile=, the context's, minus
 * UnsetEnvironment=: later ones win. The identity must be resolved. Returns 0 and a text list, the caller's,
 * or a negative errno with the build's failure set. */
/* LIST without what MORE has too, then MORE: a new list. */
int environment_join(char *const *list, char *const *more, char ***ret);
int environment_assemble(struct build *build, char ***ret);

/* The value of NAME in ENVIRONMENT, NULL when unset. */
const char *environment_get(char *const *environment, const char *name);

/* Replaces variables in WORDS[1…] as systemd.service(5), "Command Lines", has it: "$NAME" as a word of its
 * own becomes the value's words (or none), "${NAME}" anywhere the value, "$$" a "$". Returns 0 or -ENOMEM. */
int environment_expand(char *const *words, char *const *environment, char ***ret);

/* Appends the assignments of an environment file's TEXT to LIST: quotes, comments (# and ;), continuation
 * lines as systemd.exec(5) has them. *RET_LINE is the line of an error. Returns 0, -EINVAL or -ENOMEM. */
int environment_parse_file(const char *text, char ***list, unsigned *ret_line);

/* Is there a variable whose value only the launched process knows (PROGRAM_EXEC_TELL)? */
bool environment_has_places(char *const *environment);
