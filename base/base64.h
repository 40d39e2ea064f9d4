/* Base64 (RFC 4648, section 4). */
#pragma once

#include <stddef.h>

/* White space is passed over; nothing may follow the padding, which may not stand for bits that are set. *RET is on the heap, with
 * a NUL behind its *RET_SIZE bytes. Returns 0, -EINVAL or -ENOMEM. */
int base64_decode(const char *text, char **ret, size_t *ret_size);
/* Heap; NULL when out of memory. */
char *base64_encode(const void *bytes, size_t size);
