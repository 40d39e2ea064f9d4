/* filter FILE: writes the BPF program of the filter that [Container] gets by default, as svcd compiles it, so
 * that the floor loads the same one. */
#include <fcntl.h>
#include <linux/filter.h>
#include <stdio.h>

#include "base/fd.h"
#include "engine/compile.h"

int main(int argc, char **argv)
{
	_cleanup_(cleanup_program_free) struct program *program = NULL;
	char name[] = "/bin/true", *arguments[] = {name, NULL};
	struct compile_command command = {.path = name, .argv = arguments};
	struct compile_context context = {.name = "bench", .state_directory = "/", .join_pidfd = -1};
	struct failure failure = {};
	struct spec spec;
	char text[1024];
	int fd;

	if (argc != 2)
		return 2;
	spec_init(&spec);
	spec.no_new_privileges = true;
	spec.capability_bounding_set = 0;
	spec.seccomp_default = SPEC_SECCOMP_CONTAINER;
	if (compile(&spec, &command, &context, &program, &failure, NULL, NULL) < 0) {
		fprintf(stderr, "filter: %s\n", failure_print(&failure, text, sizeof text));
		return 1;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	for (uint32_t i = 0; i < program->block->n_ops; i++) {
		const struct program_op *op = &program_ops(program->block)[i];

		if (op->code == PROGRAM_SECCOMP && fd_write_all(fd, program_text(program->block, op->text),
								op->number * sizeof(struct sock_filter)) == 0)
			return 0;
	}
	fprintf(stderr, "filter: %s: no filter was written\n", argv[1]);
	return 1;
}
