/* Points in time that somebody waits for, in a binary heap: the earliest is at hand, arming and disarming
 * cost O(log n). */
#pragma once

#include "base/time.h"
#include "base/macros.h"

struct deadline {
	usec_t at;	 /* monotonic; USEC_INFINITY while not armed */
	size_t position; /* in the heap, from 1; 0: not armed */
	void *owner;
	unsigned kind; /* the owner's */
};

struct deadline_heap {
	struct deadline **items; /* items[0] is the earliest */
	size_t n, room, reserved;
};

/* Room for N more deadlines, so that arming one never fails. Returns 0 or -ENOMEM. */
int deadline_reserve(struct deadline_heap *heap, size_t n);
/* Gives reserved room back. */
void deadline_release(struct deadline_heap *heap, size_t n);
/* Arms, moves, or with USEC_INFINITY disarms. */
void deadline_set(struct deadline_heap *heap, struct deadline *deadline, usec_t at);
/* The earliest one; NULL when none is armed. */
struct deadline *deadline_first(const struct deadline_heap *heap);
void deadline_free(struct deadline_heap *heap);
