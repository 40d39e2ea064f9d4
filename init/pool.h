/* Items of one size in memory reserved once: an item has an index that never moves, untouched pages cost
 * nothing, and nothing can fail later but running into the limit. Index 0 is never an item: it means "none".
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pool {
	char *base;
	size_t item_size;
	uint32_t limit; /* items, the unused one at 0 included */
	uint32_t end;	/* below it, an item has been in use */
	uint32_t free;	/* first of the free list, linked through the items' first four bytes */
};

/* Reserves address space. ITEM_SIZE at least 4. Returns 0 or a negative errno. */
int pool_init(struct pool *pool, size_t item_size, uint32_t limit);
/* A zeroed item's index, or 0 when the pool is full. */
uint32_t pool_new(struct pool *pool);
void pool_free(struct pool *pool, uint32_t index);

static inline void *pool_get(const struct pool *pool, uint32_t index)
{
	return pool->base + index * pool->item_size;
}
