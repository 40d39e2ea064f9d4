/* Time in microseconds, as systemd's interfaces have it. */
#pragma once

#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;

#define USEC_PER_SEC  ((usec_t)1000000)
#define USEC_PER_MSEC ((usec_t)1000)
#define USEC_INFINITY UINT64_MAX /* "never", in unit files "infinity" */

static inline usec_t time_now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (usec_t)now.tv_sec * USEC_PER_SEC + (usec_t)now.tv_nsec / 1000;
}

/* A sum that sticks at USEC_INFINITY. */
static inline usec_t time_add(usec_t a, usec_t b)
{
	return b > USEC_INFINITY - a ? USEC_INFINITY : a + b;
}
