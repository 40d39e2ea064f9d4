/* See deadline.h. Each deadline knows its place in the heap, so that it can be moved without a search. */
#include <errno.h>

#include "manager/deadline.h"

int deadline_reserve(struct deadline_heap *heap, size_t n)
{
	size_t room = MAX_OF(heap->room, (size_t)64);
	struct deadline **items;

	while (room < heap->reserved + n)
		room *= 2;
	if (room != heap->room) {
		items = reallocarray(heap->items, room, sizeof *items);
		if (!items)
			return -ENOMEM;
		heap->items = items;
		heap->room = room;
	}
	heap->reserved += n;
	return 0;
}

void deadline_release(struct deadline_heap *heap, size_t n)
{
	assert(heap->reserved >= n);
	heap->reserved -= n;
}

static void deadline_place(struct deadline_heap *heap, size_t position, struct deadline *deadline)
{
	heap->items[position - 1] = deadline;
	deadline->position = position;
}

static void deadline_sift_up(struct deadline_heap *heap, struct deadline *deadline)
{
	size_t position = deadline->position;

	for (; position > 1 && heap->items[position / 2 - 1]->at > deadline->at; position /= 2)
		deadline_place(heap, position, heap->items[position / 2 - 1]);
	deadline_place(heap, position, deadline);
}

static void deadline_sift_down(struct deadline_heap *heap, struct deadline *deadline)
{
	size_t position = deadline->position, child;

	for (; (child = position * 2) <= heap->n; position = child) {
		if (child < heap->n && heap->items[child]->at < heap->items[child - 1]->at)
			child++;
		if (heap->items[child - 1]->at >= deadline->at)
			break;
		deadline_place(heap, position, heap->items[child - 1]);
	}
	deadline_place(heap, position, deadline);
}

static void deadline_disarm(struct deadline_heap *heap, struct deadline *deadline)
{
	struct deadline *last = heap->items[--heap->n];

	if (last != deadline) {
		deadline_place(heap, deadline->position, last);
		deadline_sift_up(heap, last);
		deadline_sift_down(heap, last);
	}
	deadline->position = 0;
}

void deadline_set(struct deadline_heap *heap, struct deadline *deadline, usec_t at)
{
	deadline->at = at;
	if (at == USEC_INFINITY) {
		if (deadline->position)
			deadline_disarm(heap, deadline);
		return;
	}
	if (!deadline->position) {
		assert(heap->n < heap->room);
		deadline_place(heap, ++heap->n, deadline);
	}
	deadline_sift_up(heap, deadline);
	deadline_sift_down(heap, deadline);
}

struct deadline *deadline_first(const struct deadline_heap *heap)
{
	return heap->n ? heap->items[0] : NULL;
}

void deadline_free(struct deadline_heap *heap)
{
	free(heap->items);
	*heap = (struct deadline_heap){};
}
