/* svcctl verify FILE…: needs no manager. What reads unit files is in svcd, so that program is run with
 * --verify: the one beside us (a build directory), else the installed one. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static char *verify_beside(const char *relative)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);

	if (n <= 0)
		return NULL;
	self[n] = '\0';
	return text_format("%s/%s", dirname(self), relative);
}

int verify_verb(struct cli *cli, char **arguments)
{
	_cleanup_free_ char *beside = verify_beside("svcd"), *sibling = verify_beside("../svcd/svcd");
	const char *const candidates[] = {beside, sibling, SVCD_LIBEXEC "/svcd"};
	_cleanup_free_ char **argv = calloc(text_list_length(arguments) + 4, sizeof *argv);
	size_t n = 0;

	(void)cli;
	if (!argv)
		return CLI_FAILED;
	argv[n++] = (char *)"svcd";
	argv[n++] = (char *)"--verify";
	argv[n++] = (char *)"--";
	TEXT_LIST_FOREACH (argument, arguments)
		argv[n++] = *argument;
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		if (candidates[i])
			execv(candidates[i], argv);
	execvp("svcd", argv);
	fprintf(stderr, "svcctl: cannot run svcd to verify files: %s\n", strerror(errno));
	return CLI_FAILED;
}
