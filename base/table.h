/* A hash table from strings to pointers. It owns neither: keys live in the objects they name. */
#pragma once

#include "base/macros.h"

struct table_slot {
	const char *key; /* NULL: empty */
	void *value;
	uint32_t hash;
};

/* Zero-initialised is empty. */
struct table {
	struct table_slot *slots; /* open addressing, linear probing; a power of two */
	size_t room, count;
};

void *table_get(const struct table *table, const char *key);
/* Returns 0, -EEXIST when the key is there already, or -ENOMEM. KEY must outlive the entry. */
int table_put(struct table *table, const char *key, void *value);
/* Removes the entry and returns its value, NULL when there is none. */
void *table_remove(struct table *table, const char *key);
void table_free(struct table *table);

/* Visits every slot in use. The table must not change meanwhile. */
#define TABLE_FOREACH(slot, table)                                                                    \
	for (struct table_slot *slot = (table)->slots; slot && slot < (table)->slots + (table)->room; \
	     slot++)                                                                                  \
		if (slot->key)
