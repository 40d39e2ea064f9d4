/* Image policies: what must hold for each partition of an image before it is used (systemd.image-policy(7)).
 * "root=verity+signed:home=absent:=ignore": partitions joined by ':', what they may be joined by '+', without a name the
 * default for all others; "*" allows all, "~" wants all absent, "-" ignores all, the empty one is "-". */
#pragma once

#include "engine/image.h"

enum { /* what a partition may be; bits */
       IMAGE_POLICY_VERITY = 1 << 0,
       IMAGE_POLICY_SIGNED = 1 << 1,
       IMAGE_POLICY_ENCRYPTED = 1 << 2,
       IMAGE_POLICY_UNPROTECTED = 1 << 3,
       IMAGE_POLICY_UNUSED = 1 << 4, /* it is there, and not used */
       IMAGE_POLICY_ABSENT = 1 << 5,
       IMAGE_POLICY_USES =
	       IMAGE_POLICY_VERITY | IMAGE_POLICY_SIGNED | IMAGE_POLICY_ENCRYPTED | IMAGE_POLICY_UNPROTECTED,
       IMAGE_POLICY_READ_ONLY_ON = 1 << 6, /* the table must mark it read-only */
       IMAGE_POLICY_READ_ONLY_OFF = 1 << 7,
};

/* The policies of services where none is given (systemd.exec(5), RootImagePolicy=). */
#define IMAGE_POLICY_SERVICE                                                                              \
	"root=verity+signed+encrypted+unprotected+absent:usr=verity+signed+encrypted+unprotected+absent:" \
	"home=encrypted+unprotected+absent:srv=encrypted+unprotected+absent:"                             \
	"tmp=encrypted+unprotected+absent:var=encrypted+unprotected+absent"
#define IMAGE_POLICY_EXTENSION \
	"root=verity+signed+encrypted+unprotected+absent:usr=verity+signed+encrypted+unprotected+absent"

/* Checks POLICY; on -EINVAL FAILURE says which word is no part of the language. */
int image_policy_check(const char *policy, struct failure *failure);

/* The bits for PART. What is not mentioned and has no default is ignored: unused or absent. */
unsigned image_policy_get(const char *policy, enum image_part part);
