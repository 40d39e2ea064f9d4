/* See table.h. FNV-1a; entries removed by shifting the run behind them back, so there are no tombstones. */
#include <errno.h>
#include <string.h>

#include "base/table.h"

static uint32_t table_hash(const char *key)
{
	uint32_t hash = 2166136261u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 16777619u;
	return hash;
}

/* The slot that holds KEY, or the empty one where it would go. The table is never full. */
static struct table_slot *table_find(const struct table *table, const char *key, uint32_t hash)
{
	size_t i = hash & (table->room - 1);

	while (table->slots[i].key && (table->slots[i].hash != hash || strcmp(table->slots[i].key, key) != 0))
		i = (i + 1) & (table->room - 1);
	return &table->slots[i];
}

void *table_get(const struct table *table, const char *key)
{
	return table->count ? table_find(table, key, table_hash(key))->value : NULL;
}

static int table_grow(struct table *table)
{
	struct table larger = {.room = table->room ? table->room * 2 : 16, .count = table->count};

	larger.slots = calloc(larger.room, sizeof *larger.slots);
	if (!larger.slots)
		return -ENOMEM;
	TABLE_FOREACH (slot, table)
		*table_find(&larger, slot->key, slot->hash) = *slot;
	free(table->slots);
	*table = larger;
	return 0;
}

int table_put(struct table *table, const char *key, void *value)
{
	uint32_t hash = table_hash(key);
	struct table_slot *slot;

	if (table->count * 4 >= table->room * 3 && table_grow(table) < 0)
		return -ENOMEM;
	slot = table_find(table, key, hash);
	if (slot->key)
		return -EEXIST;
	*slot = (struct table_slot){.key = key, .value = value, .hash = hash};
	table->count++;
	return 0;
}

void *table_remove(struct table *table, const char *key)
{
	size_t mask = table->room - 1, hole, next;
	struct table_slot *slot;
	void *value;

	if (!table->count)
		return NULL;
	slot = table_find(table, key, table_hash(key));
	if (!slot->key)
		return NULL;
	value = slot->value;
	hole = (size_t)(slot - table->slots);
	for (next = (hole + 1) & mask; table->slots[next].key; next = (next + 1) & mask) {
		size_t home = table->slots[next].hash & mask;

		/* Move it only if its home does not lie cyclically between the hole and itself. */
		if (((next - home) & mask) >= ((next - hole) & mask)) {
			table->slots[hole] = table->slots[next];
			hole = next;
		}
	}
	table->slots[hole] = (struct table_slot){};
	table->count--;
	return value;
}

void table_free(struct table *table)
{
	free(table->slots);
	*table = (struct table){};
}
