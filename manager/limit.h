/* How often something may happen: at most BURST times within INTERVAL, counted from the first. */
#pragma once

#include <stdbool.h>

#include "base/time.h"

struct limit {
	usec_t begin; /* of the current interval; 0: none yet */
	unsigned n;   /* in it */
};

/* Counts one occurrence; false when it is one too many. An INTERVAL or BURST of 0 never limits. */
bool limit_allow(struct limit *limit, usec_t interval, unsigned burst, usec_t now);
