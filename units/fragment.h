/* The files that make up a unit: its fragment, drop-ins, and the links in .wants/ and .requires/ folders.
 * Nothing is read but names. */
#pragma once

#include "units/load.h"

struct fragment_file {
	char *path;
	bool lenient;
};

struct fragment {
	char *name; /* the unit's real name: another than asked for when that was an alias */
	char *path; /* NULL: there is none */
	bool lenient, masked;
	bool is_link;		       /* the fragment is reached by a symbolic link that is no alias */
	size_t directory;	       /* of the search path, where the fragment stands */
	struct fragment_file *dropins; /* in the order in which they apply */
	size_t n_dropins;
	char **wants, **requires; /* names of units */
};

/* Finds the files of NAME, a valid name. A fragment that is not there is no error: ret->path is NULL. Returns
 * 0, -ENOMEM, or -ELOOP with FAILURE when aliases go in a circle. */
int fragment_find(const struct unit_search_path *path, const char *name, struct fragment *ret,
		  struct failure *failure);
void fragment_deinit(struct fragment *fragment);

/* The unit name that a file name stands for: "web.container" is web.service. Heap; NULL when it is no unit
 * file (or out of memory). */
char *fragment_unit_name(const char *file);

/* Of everything the fragment is made of (files by identity, size and time, links by name): another value means that it changed. */
uint64_t fragment_fingerprint(const struct fragment *fragment);
