/* Intrusive queues: an object is in a queue by a link inside it, so that queueing allocates nothing, cannot
 * fail, and whoever is freed can leave in constant time. */
#pragma once

#include <stdbool.h>

#include "base/macros.h"

struct queue_link {
	struct queue_link *next, *previous; /* NULL while in no queue */
};

struct queue {
	struct queue_link head; /* a ring; initialise with queue_init() */
};

/* The object that contains LINK as MEMBER. */
#define QUEUE_ENTRY(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void queue_init(struct queue *queue)
{
	queue->head.next = queue->head.previous = &queue->head;
}

static inline bool queue_contains(const struct queue_link *link)
{
	return link->next != NULL;
}

/* Appends; a link that is in a queue already stays where it is. */
static inline void queue_push(struct queue *queue, struct queue_link *link)
{
	if (queue_contains(link))
		return;
	link->next = &queue->head;
	link->previous = queue->head.previous;
	link->previous->next = link;
	queue->head.previous = link;
}

static inline void queue_remove(struct queue_link *link)
{
	if (!queue_contains(link))
		return;
	link->next->previous = link->previous;
	link->previous->next = link->next;
	*link = (struct queue_link){};
}

static inline struct queue_link *queue_first(const struct queue *queue)
{
	return queue->head.next == &queue->head ? NULL : queue->head.next;
}

/* Takes the first link out; NULL when there is none. */
static inline struct queue_link *queue_pop(struct queue *queue)
{
	struct queue_link *link = queue_first(queue);

	if (link)
		queue_remove(link);
	return link;
}
