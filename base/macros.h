/* The few macros every file may use. Nothing here has a run-time cost or a policy. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Run FUNCTION(&variable) when the variable leaves its scope. */
#define _cleanup_(function) __attribute__((cleanup(function)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_	    __attribute__((unused))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN_OF(a, b)	  ((a) < (b) ? (a) : (b))
#define MAX_OF(a, b)	  ((a) > (b) ? (a) : (b))

/* Hands a pointer over: yields it and leaves NULL behind, so that a cleanup attribute does nothing. */
#define TAKE(pointer)                                          \
	({                                                     \
		__typeof__(pointer) *take_from_ = &(pointer);  \
		__typeof__(pointer) take_value_ = *take_from_; \
		*take_from_ = NULL;                            \
		take_value_;                                   \
	})

/* Hands a descriptor over and leaves -1 behind. */
#define TAKE_FD(descriptor)                      \
	({                                       \
		int *take_from_ = &(descriptor); \
		int take_value_ = *take_from_;   \
		*take_from_ = -1;                \
		take_value_;                     \
	})

static inline void macros_free_pointer(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}
#define _cleanup_free_ _cleanup_(macros_free_pointer)

/* Declares cleanup_NAME for an object whose free function takes NULL and returns NULL. */
#define DEFINE_CLEANUP(type, function)                       \
	static inline void cleanup_##function(type *pointer) \
	{                                                    \
		if (*pointer)                                \
			function(*pointer);                  \
	}                                                    \
	struct macros_swallow_semicolon
