/* Programs in the kernel. Each is loaded once and shared by all units that ask for the same, whatever their rules were called: the key is
 * all that makes one program differ from another. A few that nobody uses are kept for the next start.
 *
 * The kernel keeps a program's maps; a descriptor is kept only of those that change: interfaces come and go, so what
 * rules name by name is looked up again whenever the kernel tells of a change (rtnetlink(7)). */
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "engine/bpf.h"
#include "manager/host-filter-private.h"

enum { HOST_FILTER_IDLE_MAX = 64 };

static struct host_filter_loaded *host_filter_loaded_free(struct host_filter_loaded *loaded)
{
	if (!loaded)
		return NULL;
	fd_close(loaded->fd);
	fd_close(loaded->map);
	text_list_free(loaded->interfaces);
	free(loaded->content);
	free(loaded);
	return NULL;
}
DEFINE_CLEANUP(struct host_filter_loaded *, host_filter_loaded_free);

void host_filter_unref(struct host *host, struct host_filter_loaded *loaded)
{
	if (--loaded->references > 0)
		return;
	if (loaded->key[0] && host->filters_idle < HOST_FILTER_IDLE_MAX) {
		host->filters_idle++;
		return;
	}
	if (loaded->key[0])
		table_remove(&host->filters, loaded->key);
	host_filter_loaded_free(loaded);
}

void host_filter_finish(struct host *host)
{
	TABLE_FOREACH (slot, &host->filters)
		host_filter_loaded_free(slot->value);
	table_free(&host->filters);
	sd_event_source_disable_unref(host->links_source);
	host->links_fd = fd_close(host->links_fd);
	host->counters_map = fd_close(host->counters_map);
}

/* --- interfaces ---------------------------------------------------------------------------------------- */

/* Makes the map hold the indices of the listed interfaces that there are. */
static int host_filter_fill_interfaces(int map, char *const *names)
{
	uint32_t present[64] = {}, key, next;
	size_t n = 0;
	int r = 0;

	for (; names && *names && r == 0; names++) {
		key = if_nametoindex(*names);
		if (key == 0 || n == ARRAY_SIZE(present))
			continue;
		present[n++] = key;
		r = bpf_map_set(map, &key, &(uint8_t){1});
	}
	for (int more = bpf_map_next(map, NULL, &key); more == 0; key = next) {
		bool there = false;

		more = bpf_map_next(map, &key, &next);
		for (size_t i = 0; i < n; i++)
			there |= present[i] == key;
		if (!there)
			bpf_map_remove(map, &key);
	}
	return r;
}

static int host_filter_on_link(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events, void *data)
{
	struct host *host = data;
	char buffer[16384];

	while (recv(fd, buffer, sizeof buffer, MSG_DONTWAIT) > 0 || errno == ENOBUFS)
		;
	TABLE_FOREACH (slot, &host->filters) {
		const struct host_filter_loaded *loaded = slot->value;

		if (loaded->interfaces && host_filter_fill_interfaces(loaded->map, loaded->interfaces) < 0)
			host_log_message(
				&host->world, LOG_ERR, NULL,
				"An interface could not be added to a filter of RestrictNetworkInterfaces=");
	}
	return 0;
}

/* Listens for interfaces that come, go or get another name: from the first unit on that asks for one. */
static int host_filter_watch_links(struct host *host)
{
	const struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	_cleanup_fd_ int fd = -1;
	int r;

	if (host->links_source)
		return 0;
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return -errno;
	r = sd_event_add_io(host->event, &host->links_source, fd, EPOLLIN, host_filter_on_link, host);
	if (r < 0)
		return r;
	host->links_fd = TAKE_FD(fd);
	return 0;
}

static int host_filter_make_interfaces(struct host *host, const struct filter_map *map)
{
	const struct bpf_map_shape shape = {
		.name = "svcd_interfaces",
		.type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(uint32_t),
		.value_size = 1,
		.n = 64,
	};
	int r = host_filter_watch_links(host); /* before looking: nothing can come in between */
	_cleanup_fd_ int fd = r < 0 ? r : bpf_map_new(&shape);

	if (fd < 0)
		return fd;
	r = host_filter_fill_interfaces(fd, map->keys);
	return r < 0 ? r : TAKE_FD(fd);
}

/* --- maps ---------------------------------------------------------------------------------------------- */

/* A trie of prefixes: there, or not. */
static int host_filter_make_prefixes(const struct filter_map *map)
{
	const struct bpf_map_shape shape = {
		.name = "svcd_prefixes",
		.type = BPF_MAP_TYPE_LPM_TRIE,
		.key_size = map->key_size,
		.value_size = 1,
		.n = map->n_keys,
		.flags = BPF_F_NO_PREALLOC,
	};
	_cleanup_fd_ int fd = bpf_map_new(&shape);
	int r = MIN_OF(fd, 0);

	for (uint32_t i = 0; i < map->n_keys && r == 0; i++)
		r = bpf_map_set(fd, (const char *)map->keys + (size_t)i * map->key_size, "");
	return r < 0 ? r : TAKE_FD(fd);
}

/* The map for a program of the unit's; the caller's. */
static int host_filter_make_map(const struct host_unit *unit, const struct filter_map *map)
{
	switch (map->kind) {
	case FILTER_MAP_PREFIXES:
		return host_filter_make_prefixes(map);
	case FILTER_MAP_COUNTERS:
		return fcntl(unit->host->counters_map, F_DUPFD_CLOEXEC, 3);
	case FILTER_MAP_INTERFACES:
		return host_filter_make_interfaces(unit->host, map);
	case FILTER_MAP_LAUNCHING:
		return bpf_map_new_task_storage("svcd_launching");
	}
	return -EINVAL;
}

/* --- programs ------------------------------------------------------------------------------------------ */

static int host_filter_keep_map(struct host_filter_loaded *loaded, const struct filter_map *map, int *fd)
{
	if (map->kind == FILTER_MAP_LAUNCHING || map->kind == FILTER_MAP_INTERFACES)
		loaded->map = TAKE_FD(*fd);
	loaded->launching = map->kind == FILTER_MAP_LAUNCHING;
	return map->kind == FILTER_MAP_INTERFACES ? text_list_copy(map->keys, &loaded->interfaces) : 0;
}

static int host_filter_load_code(const struct host_unit *unit, const struct filter_program *program,
				 struct host_filter_loaded *loaded, struct failure *failure)
{
	int maps[FILTER_MAPS], r = 0;
	unsigned n = 0;
	const struct bpf_source source = {
		.name = program->name,
		.type = program->type,
		.attach = program->attach,
		.btf_id = program->btf_id,
		.insns = program->code.insns,
		.n = program->code.n,
		.maps = maps,
		.n_maps = program->n_maps,
	};

	for (; n < program->n_maps && r >= 0; n += r >= 0)
		r = maps[n] = host_filter_make_map(unit, &program->maps[n]);
	if (r < 0)
		failure_set(failure, r, NULL, "no map can be had for the filter %s", program->name);
	else
		r = loaded->fd = bpf_load(&source, failure);
	for (unsigned i = 0; i < n; i++) {
		if (r >= 0 && host_filter_keep_map(loaded, &program->maps[i], &maps[i]) < 0)
			r = failure_set(failure, -ENOMEM, NULL, "the filter %s cannot be kept",
					program->name);
		fd_close(maps[i]);
	}
	return MIN_OF(r, 0);
}

static int host_filter_load_pinned(const struct filter_program *program, struct host_filter_loaded *loaded,
				   struct failure *failure)
{
	loaded->fd = bpf_open_pinned(program->pinned);
	return loaded->fd < 0
		       ? failure_set(failure, loaded->fd, program->pinned, "no pinned program can be had")
		       : 0;
}

/* The kernel patches its own code when the first program is attached somewhere and when the last one goes, which takes longer than all
 * the rest of a start. From the first use on, one that allows all stays attached to the manager's own group: that is what keeps the places
 * ready. It goes with the tree. Failing costs time only. */
static void host_filter_keep_ready(struct host *host, const struct filter_program *program)
{
	struct bpf_code code = {};
	uint32_t ids[BPF_ATTACHED_MAX];
	struct bpf_source source = {.name = "svcd_ready",
				    .type = program->type,
				    .attach = program->attach,
				    .btf_id = program->btf_id};
	_cleanup_fd_ int group = -1, fd = -1;

	if (program->pinned || program->attach >= 64 || host->filters_ready >> program->attach & 1)
		return;
	host->filters_ready |= UINT64_C(1) << program->attach;
	group = openat(host->cgroups.root_fd, CGROUP_SCOPE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (group < 0 || bpf_attached(group, program->attach, ids) != 0)
		return;
	bpf_code_return(&code, 1);
	source.insns = code.insns;
	source.n = code.n;
	fd = bpf_code_finish(&code) < 0 ? -1 : bpf_load(&source, NULL);
	if (fd >= 0)
		bpf_attach(group, fd, program->attach, -1);
	bpf_code_deinit(&code);
}

static void host_filter_add_content(struct text_buffer *buffer, const struct filter_map *map)
{
	text_buffer_append(buffer, "%d %u", map->kind, map->n_keys);
	if (map->kind == FILTER_MAP_INTERFACES) {
		TEXT_LIST_FOREACH (name, map->keys)
			text_buffer_append(buffer, " %s", *name);
	} else if (map->n_keys) {
		text_buffer_append_bytes(buffer, map->keys, (size_t)map->key_size * map->n_keys);
	}
}

static int host_filter_set_content(const struct filter_program *program, struct host_filter_loaded *loaded)
{
	struct text_buffer buffer = {};
	uint64_t hash = HOST_FILTER_HASH;

	text_buffer_append(&buffer, "%u %u", program->attach, program->btf_id);
	text_buffer_append_bytes(&buffer, (const char *)program->code.insns,
				 program->code.n * sizeof *program->code.insns);
	for (unsigned i = 0; i < program->n_maps; i++)
		host_filter_add_content(&buffer, &program->maps[i]);
	loaded->size = buffer.length;
	loaded->content = text_buffer_finish(&buffer);
	if (!loaded->content)
		return -ENOMEM;
	hash = host_filter_hash(hash, loaded->content, loaded->size);
	snprintf(loaded->key, sizeof loaded->key, "%016llx.%zu", (unsigned long long)hash, loaded->size);
	return 0;
}

int host_filter_load(struct host_unit *unit, const struct filter_program *program,
		     struct host_filter_loaded **ret, struct failure *failure)
{
	_cleanup_(cleanup_host_filter_loaded_free) struct host_filter_loaded *loaded = malloc(sizeof *loaded);
	struct host_filter_loaded *known = NULL;
	struct host *host = unit->host;
	struct bpf_about about;
	int r;

	if (!loaded)
		return failure_set(failure, -ENOMEM, NULL, "no filter can be loaded");
	*loaded = (struct host_filter_loaded){
		.references = 1, .fd = -1, .map = -1, .attach = program->attach, .name = program->name};
	if (!program->pinned) {
		if (host_filter_set_content(program, loaded) < 0)
			return failure_set(failure, -ENOMEM, NULL, "no filter can be loaded");
		known = table_get(&host->filters, loaded->key);
	}
	if (known && memcmp(known->content, loaded->content, loaded->size) == 0) {
		host->filters_idle -= known->references == 0;
		known->references++;
		*ret = known;
		return 0;
	}
	host_filter_keep_ready(host, program);
	r = program->pinned ? host_filter_load_pinned(program, loaded, failure)
			    : host_filter_load_code(unit, program, loaded, failure);
	if (r < 0)
		return r;
	r = bpf_about(loaded->fd, &about);
	loaded->id = about.id;
	if (known) /* of the same hash and another content: this one is not shared */
		loaded->key[0] = '\0';
	if (r == 0 && loaded->key[0])
		r = table_put(&host->filters, loaded->key, loaded);
	if (r < 0)
		return failure_set(failure, r, program->pinned, "the filter %s cannot be kept",
				   program->name ?: "");
	*ret = TAKE(loaded);
	return 0;
}
