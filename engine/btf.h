/* What the running kernel says of its own types (BTF, /sys/kernel/btf/vmlinux): as much as a program needs that looks into the
 * kernel's structures. */
#pragma once

#include "base/failure.h"

struct btf;

/* Reads it. Megabytes: to be freed soon. */
int btf_open(struct btf **ret, struct failure *failure);
struct btf *btf_free(struct btf *btf);
DEFINE_CLEANUP(struct btf *, btf_free);

/* The id of the function NAME; -ENOENT. */
int btf_find_function(const struct btf *btf, const char *name);
/* How many bytes into struct TYPE its MEMBER begins; -ENOENT. Members of unnamed structs in it count. */
int btf_find_member(const struct btf *btf, const char *type, const char *member);
