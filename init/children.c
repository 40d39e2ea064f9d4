/* See children.h. Two pools and two hash tables of chains through the records; launch ids are random, so
 * their first bytes are the hash. */
#include <errno.h>
#include <string.h>

#include "base/fd.h"
#include "init/children.h"

int children_init(struct children *children)
{
	int r = pool_init(&children->records, sizeof(struct child), CHILDREN_LIMIT);

	return r < 0 ? r : pool_init(&children->held, sizeof(struct child_held), CHILDREN_LIMIT);
}

static uint32_t children_id_bucket(const struct launch_id *id)
{
	uint32_t hash;

	memcpy(&hash, id->bytes, sizeof hash);
	return hash % CHILDREN_N_BUCKETS;
}

static uint32_t children_pid_bucket(pid_t pid)
{
	return (uint32_t)pid % CHILDREN_N_BUCKETS;
}

struct child *children_at(const struct children *children, uint32_t index)
{
	struct child *child = pool_get(&children->records, index);

	return index && index < children->records.end && child->in_use ? child : NULL;
}

uint32_t children_index(const struct children *children, const struct child *child)
{
	return (uint32_t)(((const char *)child - children->records.base) / sizeof *child);
}

struct child *children_find(const struct children *children, const struct launch_id *id)
{
	struct child *child = children_at(children, children->by_id[children_id_bucket(id)]);

	while (child && memcmp(&child->id, id, sizeof *id) != 0)
		child = children_at(children, child->next_by_id);
	return child;
}

struct child *children_find_pid(const struct children *children, pid_t pid)
{
	struct child *child = children_at(children, children->by_pid[children_pid_bucket(pid)]);

	while (child && child->pid != pid)
		child = children_at(children, child->next_by_pid);
	return child;
}

struct child *children_add(struct children *children, const struct launch_id *id)
{
	uint32_t *bucket = &children->by_id[children_id_bucket(id)], index;
	struct child *child;

	if (children_find(children, id)) {
		errno = EEXIST;
		return NULL;
	}
	index = pool_new(&children->records);
	if (!index) {
		errno = ENOSPC;
		return NULL;
	}
	child = pool_get(&children->records, index);
	child->id = *id;
	child->in_use = true;
	child->state = LAUNCH_STATE_HOLDING;
	child->pidfd = child->payload_pidfd = child->report_fd = -1;
	child->next_by_id = *bucket;
	*bucket = index;
	return child;
}

static void children_unlink_pid(struct children *children, struct child *child)
{
	uint32_t index = children_index(children, child),
		 *link = &children->by_pid[children_pid_bucket(child->pid)];

	while (*link && *link != index)
		link = &((struct child *)pool_get(&children->records, *link))->next_by_pid;
	if (*link)
		*link = child->next_by_pid;
	child->next_by_pid = 0;
}

void children_set_pid(struct children *children, struct child *child, pid_t pid)
{
	uint32_t *bucket;

	children_unlink_pid(children, child);
	if (pid == 0)
		return;
	child->pid = pid;
	bucket = &children->by_pid[children_pid_bucket(pid)];
	child->next_by_pid = *bucket;
	*bucket = children_index(children, child);
}

int children_hold(struct children *children, struct child *child, int fd,
		  const char name[static LAUNCH_NAME_MAX])
{
	uint32_t *link = &child->held, n = 0;
	struct child_held *held;

	while (*link) {
		link = &((struct child_held *)pool_get(&children->held, *link))->next;
		n++;
	}
	if (n < LAUNCH_MAX_HELD)
		*link = pool_new(&children->held);
	if (n >= LAUNCH_MAX_HELD || !*link) {
		fd_close(fd);
		return -ENOSPC;
	}
	held = pool_get(&children->held, *link);
	held->fd = fd;
	memcpy(held->name, name, sizeof held->name);
	held->name[sizeof held->name - 1] = '\0';
	return 0;
}

void children_remove(struct children *children, struct child *child)
{
	uint32_t index = children_index(children, child),
		 *link = &children->by_id[children_id_bucket(&child->id)];

	children_unmark_changed(children, child);
	children_unlink_pid(children, child);
	while (*link != index)
		link = &((struct child *)pool_get(&children->records, *link))->next_by_id;
	*link = child->next_by_id;
	while (child->held) {
		struct child_held *held = pool_get(&children->held, child->held);
		uint32_t next = held->next;

		fd_close(held->fd);
		pool_free(&children->held, child->held);
		child->held = next;
	}
	fd_close(child->pidfd);
	fd_close(child->payload_pidfd);
	fd_close(child->report_fd);
	pool_free(&children->records, index); /* in_use is zeroed with the rest */
}

void children_mark_changed(struct children *children, struct child *child)
{
	uint32_t index = children_index(children, child);

	if (child->changed)
		return;
	child->changed = true;
	child->next_changed = 0;
	if (children->last_changed)
		((struct child *)pool_get(&children->records, children->last_changed))->next_changed = index;
	else
		children->first_changed = index;
	children->last_changed = index;
}

struct child *children_first_changed(const struct children *children)
{
	return children_at(children, children->first_changed);
}

void children_unmark_changed(struct children *children, struct child *child)
{
	uint32_t index = children_index(children, child), previous = 0;

	if (!child->changed)
		return;
	if (children->first_changed != index)
		for (previous = children->first_changed; previous;
		     previous = ((struct child *)pool_get(&children->records, previous))->next_changed)
			if (((struct child *)pool_get(&children->records, previous))->next_changed == index)
				break;
	if (previous)
		((struct child *)pool_get(&children->records, previous))->next_changed = child->next_changed;
	else
		children->first_changed = child->next_changed;
	if (children->last_changed == index)
		children->last_changed = previous;
	child->changed = false;
	child->next_changed = 0;
}

void children_describe(const struct children *children, const struct child *child, struct launch_record *ret,
		       int *fds)
{
	*ret = (struct launch_record){
		.head = {.type = LAUNCH_RECORD, .version = LAUNCH_VERSION, .id = child->id},
		.state = child->state,
		.pid = child->pid,
		.payload_pid = child->payload_pid,
		.wait_status = child->wait_status,
		.failed_op = child->failed_op,
		.failed_errno = child->failed_errno,
		.started_at = child->started_at,
		.exec_at = child->exec_at,
		.ended_at = child->ended_at,
	};
	memcpy(ret->label, child->label, sizeof ret->label);
	for (uint32_t i = child->held; i;) {
		const struct child_held *held = pool_get(&children->held, i);

		memcpy(ret->held_names[ret->n_held], held->name, sizeof held->name);
		if (fds)
			fds[ret->n_held] = held->fd;
		ret->n_held++;
		i = held->next;
	}
}
