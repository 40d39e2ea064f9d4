/* A line on standard error: "svc-init: …". No heap, no formats. */
#pragma once

#include <errno.h>
#include <stddef.h>

/* Joins its arguments up to NULL; what is longer than a line is cut. */
void say(const char *text, ...) __attribute__((sentinel));
/* The words for a negative or positive errno; "error 123" for a rare one. Valid until the next call. */
const char *say_error(int error);
/* VALUE in decimal. Valid until the next call. */
const char *say_number(unsigned long value);
