/* What the files host-filter*.c share: programs in the kernel, each loaded once. */
#pragma once

#include "manager/host-filter.h"

/* A program in the kernel, and what of its maps must be reached later. */
struct host_filter_loaded {
	char key[48]; /* in host->filters; "" for one that is pinned by somebody else */
	unsigned references;
	int fd;
	uint32_t id, attach;
	const char *name; /* NULL: pinned by somebody else */
	void *content;	  /* what it was made of */
	size_t size;
	char **interfaces; /* names, whose indices are in … */
	int map;	   /* … this; or the map of the launching tasks; -1 */
	bool launching;	   /* it is the latter */
};

struct host_filters {
	struct host_filter_loaded **items;
	uint16_t *from; /* which program of the filter each is, while they are attached */
	size_t n;
};

/* What IPAccounting= counts, or has counted until the last stop. */
struct host_traffic {
	uint64_t group; /* the cgroup's id; 0 when the unit is down */
	struct filter_counters last;
};

/* host-filter.c */
#define HOST_FILTER_HASH 14695981039346656037u /* to begin with */
uint64_t host_filter_hash(uint64_t hash, const void *data, size_t size);

/* host-filter-load.c */
/* The program in the kernel, made or shared, with a reference for the caller. */
int host_filter_load(struct host_unit *unit, const struct filter_program *program,
		     struct host_filter_loaded **ret, struct failure *failure);
void host_filter_unref(struct host *host, struct host_filter_loaded *loaded);

/* host-filter-sets.c */
/* Makes the elements of the sets those that RULES ask for. On failure nothing has changed, and *RET_ITEM is the rule. */
int host_sets_apply(struct host_unit *unit, char *const *rules, struct failure *failure, uint16_t *ret_item);
void host_sets_end(struct host_unit *unit);

/* host-filter-traffic.c */
/* Makes sure that there are counters: those that an earlier manager's programs fill, or new ones. */
int host_traffic_open(struct host *host);
/* The unit whose group this is counts from here on. */
int host_traffic_begin(struct host_unit *unit, int group_fd);
void host_traffic_end(struct host_unit *unit);
