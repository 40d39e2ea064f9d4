/* What the units' sockets send and receive, as IPAccounting= counts it. The numbers are in a map that has a place for each control group
 * to which a program with that map is attached, and loses it with the group. All programs have the same map, so a program that is replaced
 * goes on counting where the old one ended; a manager that comes after takes over the map from the programs that it finds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/bpf.h"
#include "manager/host-filter-private.h"

#define HOST_TRAFFIC_COUNTERS "svcd_counters"

static int host_traffic_make(void)
{
	const struct bpf_map_shape shape = {
		.name = HOST_TRAFFIC_COUNTERS,
		.type = BPF_MAP_TYPE_CGROUP_STORAGE,
		.key_size = sizeof(uint64_t), /* the group's id: one place for both directions */
		.value_size = sizeof(struct filter_counters),
	};

	return bpf_map_new(&shape);
}

/* The counters that the programs of this group fill: -ENOENT when there are none. */
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

int host_traffic_open(struct host *host)
{
	int map = -ENOENT;

	if (host->counters_map >= 0)
		return 0;
	TABLE_FOREACH (slot, &host->units) {
		const struct host_unit *unit = slot->value;
		_cleanup_fd_ int group = unit->cgroup_fd < 0 ? -1
							     : openat(host->cgroups.root_fd, unit->cgroup,
								      O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (map < 0 && group >= 0)
			map = host_traffic_find(group);
	}
	if (map < 0)
		map = host_traffic_make();
	host->counters_map = MAX_OF(map, -1);
	return MIN_OF(map, 0);
}

int host_traffic_begin(struct host_unit *unit, int group_fd)
{
	struct stat status;
	int r = host_traffic_open(unit->host);

	if (r < 0)
		return r;
	if (fstat(group_fd, &status) < 0)
		return -errno;
	if (!unit->traffic && !(unit->traffic = malloc(sizeof *unit->traffic)))
		return -ENOMEM;
	*unit->traffic = (struct host_traffic){.group = status.st_ino};
	return 0;
}

void host_traffic_end(struct host_unit *unit)
{
	struct host_traffic *traffic = unit->traffic;

	if (!traffic || !traffic->group)
		return;
	bpf_map_get(unit->host->counters_map, &traffic->group, &traffic->last);
	traffic->group = 0;
}

int host_filter_traffic(const struct host *host, const struct unit *managed, struct filter_counters *ret)
{
	const struct host_unit *unit = host_unit_find(host, managed->name);

	if (!unit || !unit->traffic || !spec_filters(&managed->config->spec)->ip_accounting)
		return -ENODATA;
	if (unit->traffic->group)
		return bpf_map_get(host->counters_map, &unit->traffic->group, ret);
	*ret = unit->traffic->last;
	return 0;
}
