/* How the kernel treats the process: its scheduling, memory policy and other attributes that are inherited. */
#pragma once

#include "engine/build.h"

/* Appends what the spec asks for; every command of a service gets it, also one with full privileges. On failure the
 * build's failure and origin are set. */
int attributes_emit(struct build *build);

/* Appends what a fork takes away; right behind the place of FORK. */
void attributes_emit_forked(struct build *build);

/* Appends the session keyring; as the payload's user. */
void attributes_emit_keyring(struct build *build);

/* The four bytes by which utmp(5) knows an identifier. */
void attributes_accounting_id(const char *identifier, char ret[static 4]);

/* Reads "0-3,8" into a mask of SIZE bytes. Returns how many bytes of it are used, or -EINVAL. */
ssize_t attributes_read_list(const char *list, uint8_t *mask, size_t size);
