/* What the units' sockets send and receive, as IPAccounting= counts it: the numbers are in a map of the unit's programs, one per start. A
 * manager that comes after finds it there. */
#include <errno.h>
#include <string.h>

#include "engine/bpf.h"
#include "manager/host-filter-private.h"

#define HOST_TRAFFIC_COUNTERS "svcd_counters"

static int host_traffic_make(void)
{
	const struct bpf_map_shape shape = {
		.name = HOST_TRAFFIC_COUNTERS,
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct filter_counters),
		.n = 1,
	};

	return bpf_map_new(&shape);
}

/* The counters that an earlier manager's programs fill: -ENOENT when there are none. */
static int host_traffic_find(int group_fd)
{
	uint32_t ids[BPF_ATTACHED_MAX];
	int n = bpf_attached(group_fd, BPF_CGROUP_INET_EGRESS, ids);

	for (int i = 0; i < n; i++) {
		_cleanup_fd_ int program = bpf_open_program(ids[i]);
		struct bpf_about about = {};

		if (program < 0 || bpf_about(program, &about) < 0 || !text_starts_with(about.name, "svcd_"))
			continue;
		for (uint32_t j = 0; j < about.n_maps; j++) {
			_cleanup_fd_ int map = bpf_open_map(about.maps[j]);
			char name[BPF_NAME_SIZE] = "";

			if (map >= 0 && bpf_about_map(map, name) == 0 &&
			    strcmp(name, HOST_TRAFFIC_COUNTERS) == 0)
				return TAKE_FD(map);
		}
	}
	return -ENOENT;
}

int host_traffic_begin(struct host_unit *unit, int group_fd)
{
	int map;

	if (unit->traffic && unit->traffic->map >= 0)
		return 0;
	if (!unit->traffic && !(unit->traffic = malloc(sizeof *unit->traffic)))
		return -ENOMEM;
	*unit->traffic = (struct host_traffic){.map = -1};
	map = host_traffic_find(group_fd);
	if (map == -ENOENT)
		map = host_traffic_make();
	unit->traffic->map = MAX_OF(map, -1);
	return MIN_OF(map, 0);
}

void host_traffic_end(struct host_unit *unit)
{
	struct host_traffic *traffic = unit->traffic;

	if (traffic && traffic->map >= 0) {
		bpf_map_get(traffic->map, &(uint32_t){0}, &traffic->last);
		traffic->map = fd_close(traffic->map);
	}
}

int host_filter_traffic(const struct host *host, const struct unit *managed, struct filter_counters *ret)
{
	const struct host_unit *unit = host_unit_find(host, managed->name);

	if (!unit || !unit->traffic || !managed->config->spec.filters.ip_accounting)
		return -ENODATA;
	if (unit->traffic->map >= 0)
		return bpf_map_get(unit->traffic->map, &(uint32_t){0}, ret);
	*ret = unit->traffic->last;
	return 0;
}
