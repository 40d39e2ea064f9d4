/* What a compiled program's filters answer: the instructions themselves are run, as the kernel would run them, so that
 * the answer holds for what is loaded, whatever asked for it. */
#pragma once

#include <linux/seccomp.h>

#include "engine/program.h"

/* The strictest answer of all filters of PROGRAM: SECCOMP_RET_* without its data; SECCOMP_RET_ALLOW without a filter. */
uint32_t seccomp_ask(const struct program_header *program, const struct seccomp_data *data);

/* May this call be made, with these arguments, on the native architecture? One that the architecture has not cannot. */
bool seccomp_ask_call(const struct program_header *program, const char *name, const uint64_t arguments[6]);
/* May any call of LIST be made ("@clock", "read write")? */
bool seccomp_ask_any(const struct program_header *program, const char *list);
/* May calls of another architecture than the native one be made? */
bool seccomp_ask_foreign(const struct program_header *program);
