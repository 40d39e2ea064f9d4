/* See image-policy.h. A policy is kept as it was written and read anew when it decides something, which is once for
 * each compilation of a unit that names an image. */
#include <string.h>

#include "base/text.h"
#include "engine/image-policy.h"

static const struct {
	const char *name;
	unsigned bits;
} image_policy_words[] = {
	{"verity", IMAGE_POLICY_VERITY},
	{"signed", IMAGE_POLICY_SIGNED},
	{"encrypted", IMAGE_POLICY_ENCRYPTED},
	{"unprotected", IMAGE_POLICY_UNPROTECTED},
	{"unused", IMAGE_POLICY_UNUSED},
	{"absent", IMAGE_POLICY_ABSENT},
	{"open", IMAGE_POLICY_USES | IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT},
	{"ignore", IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT},
	{"read-only-on", IMAGE_POLICY_READ_ONLY_ON},
	{"read-only-off", IMAGE_POLICY_READ_ONLY_OFF},
	{"growfs-on", 0}, /* nothing is grown */
	{"growfs-off", 0},
};

static bool image_policy_is(const char *text, size_t length, const char *name)
{
	return strlen(name) == length && strncmp(text, name, length) == 0;
}

/* The bits that words joined by '+' stand for; false when one is unknown. */
static bool image_policy_bits(const char *text, size_t length, unsigned *ret)
{
	const char *end = text + length;

	*ret = 0;
	while (text < end) {
		size_t word = MIN_OF(strcspn(text, "+"), (size_t)(end - text));
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(image_policy_words) && !known; i++)
			if (image_policy_is(text, word, image_policy_words[i].name)) {
				*ret |= image_policy_words[i].bits;
				known = true;
			}
		if (!known)
			return false;
		text += word;
		if (text < end && *text++ == '+' && text == end)
			return false;
	}
	/* A verity partition can always be signed more than was asked for. */
	if (*ret & IMAGE_POLICY_VERITY)
		*ret |= IMAGE_POLICY_SIGNED;
	return true;
}

/* One "NAME=WORDS" of LENGTH bytes. *RET_PART is IMAGE_PART_MAX_ for the default. */
static bool image_policy_rule(const char *text, size_t length, enum image_part *ret_part, unsigned *ret_bits)
{
	const char *equals = memchr(text, '=', length);
	size_t name = equals ? (size_t)(equals - text) : 0;

	if (!equals || !image_policy_bits(equals + 1, length - name - 1, ret_bits))
		return false;
	*ret_part = IMAGE_PART_MAX_;
	if (name == 0)
		return true;
	for (int i = 0; i < IMAGE_PART_MAX_; i++)
		if (image_policy_is(text, name, image_part_names[i]))
			*ret_part = (enum image_part)i;
	return *ret_part != IMAGE_PART_MAX_;
}

static bool image_policy_is_short(const char *policy, unsigned *ret_bits)
{
	if (*policy && policy[1])
		return false;
	switch (*policy) {
	case '*':
		*ret_bits = IMAGE_POLICY_USES | IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT;
		return true;
	case '~':
		*ret_bits = IMAGE_POLICY_ABSENT;
		return true;
	case '-':
	case '\0':
		*ret_bits = IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT;
		return true;
	default:
		return false;
	}
}

int image_policy_check(const char *policy, struct failure *failure)
{
	uint32_t seen = 0;
	unsigned bits;

	if (image_policy_is_short(policy, &bits))
		return 0;
	while (*policy) {
		size_t length = strcspn(policy, ":");
		enum image_part part;

		if (!image_policy_rule(policy, length, &part, &bits))
			return failure_set(failure, -EINVAL, NULL,
					   "'%.*s' is no PARTITION=WORD+WORD of an image policy", (int)length,
					   policy);
		if (seen & 1u << part)
			return failure_set(failure, -EINVAL, NULL, "'%.*s' names a partition twice",
					   (int)length, policy);
		seen |= 1u << part;
		policy += length;
		policy += *policy == ':';
	}
	return 0;
}

unsigned image_policy_get(const char *policy, enum image_part part)
{
	unsigned bits, found = IMAGE_POLICY_UNUSED | IMAGE_POLICY_ABSENT;

	if (image_policy_is_short(policy, &bits))
		return bits;
	while (*policy) {
		size_t length = strcspn(policy, ":");
		enum image_part of;

		if (image_policy_rule(policy, length, &of, &bits)) {
			if (of == part)
				return bits;
			if (of == IMAGE_PART_MAX_)
				found = bits;
		}
		policy += length;
		policy += *policy == ':';
	}
	return found;
}
