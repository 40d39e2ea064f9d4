/* Directives that are lists of rules: each line's words are checked and appended to the list in the one form
 * that filter-text.h describes. */
#include <string.h>

#include "engine/filter-text.h"
#include "units/special.h"
#include "units/word.h"

/* Appends what is not there yet. TEXT is taken over; NULL: out of memory. */
static int rule_append(char ***list, char *text)
{
	if (text && text_list_contains(*list, text)) {
		free(text);
		return 0;
	}
	return text_list_take(list, text);
}

/* DEVICE [ACCESS], one to a line. */
int special_parse_device_allow(const struct directive_line *line, void *field, struct failure *failure)
{
	_cleanup_free_ char *device = NULL, *access = NULL, *more = NULL;
	const char *cursor = line->value;
	int r = value_next_word(line, &cursor, &device, failure);

	if (r > 0)
		r = value_next_word(line, &cursor, &access, failure);
	if (r > 0)
		r = value_next_word(line, &cursor, &more, failure);
	if (r < 0)
		return r;
	if (more)
		return failure_set(failure, -EINVAL, NULL, "'%s' follows the device and its access", more);
	if (!filter_text_device_valid(device))
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no path below /dev, char-GROUP or block-GROUP", device);
	if (*device == '/' && (r = value_clean_path(device, failure)) < 0)
		return r;
	if (access && !filter_text_access_valid(access))
		return failure_set(failure, -EINVAL, NULL,
				   "'%s' is no access such as rwm: read, write, mknod", access);
	return rule_append(field, text_format("%s %s", device, access ?: "rwm"));
}
