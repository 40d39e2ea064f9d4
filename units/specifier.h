/* %-specifiers of unit files: systemd.unit(5), "Specifiers". */
#pragma once

#include "units/load.h"

struct specifier_context {
	const char *name;     /* the unit's full name, "web@1.service" */
	const char *fragment; /* its main file, for %y and %Y */
	const struct unit_specifiers *outside;
};

/* Expands TEXT into a heap string that the caller frees. An unknown specifier, a lone '%' and a value that is
 * not known here (no machine id) are -EINVAL with FAILURE; -ENOMEM. */
int specifier_expand(const struct specifier_context *context, const char *text, char **ret,
		     struct failure *failure);

/* Replaces "\xHH" and "-" (to "/") as systemd-escape --unescape does; heap; NULL when out of memory. */
char *specifier_unescape(const char *text);
