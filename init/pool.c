/* See pool.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "init/pool.h"

int pool_init(struct pool *pool, size_t item_size, uint32_t limit)
{
	void *base = mmap(NULL, item_size * limit, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (base == MAP_FAILED)
		return -errno;
	*pool = (struct pool){.base = base, .item_size = item_size, .limit = limit, .end = 1};
	return 0;
}

uint32_t pool_new(struct pool *pool)
{
	uint32_t index = pool->free;

	if (index)
		memcpy(&pool->free, pool_get(pool, index), sizeof pool->free);
	else if (pool->end < pool->limit)
		index = pool->end++;
	else
		return 0;
	memset(pool_get(pool, index), 0, pool->item_size);
	return index;
}

void pool_free(struct pool *pool, uint32_t index)
{
	memset(pool_get(pool, index), 0, pool->item_size);
	memcpy(pool_get(pool, index), &pool->free, sizeof pool->free);
	pool->free = index;
}
