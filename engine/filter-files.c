/* The program is asked at every open(2), after the kernel's own permission checks: the hook file_open of the BPF LSM,
 * for the tasks of the control group. It follows file -> inode -> superblock -> magic number; where these are in the kernel's
 * structures, its BTF tells.
 *
 * A launch program opens files that are not the service's business (/proc, above all) in the same control group. Its task says
 * so in a storage that only who launches can reach (PROGRAM_FILTER_PASS), for as long as it takes. */
#include <fcntl.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/text.h"
#include "engine/btf.h"
#include "engine/filter-files.h"
#include "engine/filter-magic.h"

/* --- the program --------------------------------------------------------------------------------------- */

int filter_files_assemble(struct filter_program *program, const struct filter_files_offsets *offsets,
			  bool deny, char *const *names)
{
	struct bpf_code *code = &program->code;
	unsigned listed = bpf_code_label(code), launching = bpf_code_label(code);

	/* The hook's arguments are an array of 64 bits each; the first is the file. */
	bpf_code_load(code, BPF_DW, BPF_REG_6, BPF_REG_1, 0);
	bpf_code_call(code, BPF_FUNC_get_current_task_btf);
	bpf_code_map(code, BPF_REG_1,
		     filter_add_map(program, (struct filter_map){.kind = FILTER_MAP_LAUNCHING}));
	bpf_code_move(code, BPF_REG_2, BPF_REG_0);
	bpf_code_set(code, BPF_REG_3, 0);
	bpf_code_set(code, BPF_REG_4, 0);
	bpf_code_call(code, BPF_FUNC_task_storage_get);
	bpf_code_jump(code, BPF_JNE, BPF_REG_0, 0, launching);
	bpf_code_load(code, BPF_DW, BPF_REG_6, BPF_REG_6, (int16_t)offsets->inode);
	bpf_code_load(code, BPF_DW, BPF_REG_6, BPF_REG_6, (int16_t)offsets->superblock);
	bpf_code_load(code, BPF_DW, BPF_REG_6, BPF_REG_6, (int16_t)offsets->magic);
	for (; names && *names; names++) {
		const struct filter_magic *magic = filter_magic_find(*names);

		for (unsigned i = 0; magic && i < FILTER_MAGIC_EACH && magic->numbers[i]; i++)
			bpf_code_jump32(code, BPF_JEQ, BPF_REG_6, magic->numbers[i], listed);
	}
	bpf_code_return(code, deny);
	bpf_code_place(code, listed);
	bpf_code_return(code, !deny);
	bpf_code_place(code, launching);
	bpf_code_return(code, 1);
	return bpf_code_finish(code);
}

/* --- this kernel --------------------------------------------------------------------------------------- */

/* Is the BPF LSM among those that are asked? A program could be attached all the same, and never be. The file system that
 * tells is mounted for us alone: it need not be elsewhere. */
static int filter_files_check_lsm(struct failure *failure)
{
	_cleanup_fd_ int context = (int)syscall(SYS_fsopen, "securityfs", FSOPEN_CLOEXEC), mount = -1;
	_cleanup_free_ char *list = NULL;

	if (context >= 0 && syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, 0);
	if (mount < 0)
		return failure_set(failure, -errno, NULL,
				   "it cannot be told whether the kernel has the BPF LSM");
	if (fd_read_file_at(mount, "lsm", 4096, &list) < 0)
		return failure_set(failure, -EOPNOTSUPP, NULL, "the kernel has no list of security modules");
	for (char *rest = list, *name; (name = strsep(&rest, ",\n"));)
		if (strcmp(name, "bpf") == 0)
			return 0;
	return failure_set(
		failure, -EOPNOTSUPP, NULL,
		"the BPF LSM is not active in this kernel (it has %.200s): lsm=…,bpf on its command line enables it",
		list);
}

static int filter_files_find(struct filter_files_offsets *ret, struct failure *failure)
{
	static struct filter_files_offsets known; /* the same as long as this kernel runs */
	_cleanup_(cleanup_btf_free) struct btf *btf = NULL;
	int hook, r;

	if (known.hook) {
		*ret = known;
		return 0;
	}
	r = filter_files_check_lsm(failure);
	if (r == 0)
		r = btf_open(&btf, failure);
	if (r < 0)
		return r;
	hook = btf_find_function(btf, "bpf_lsm_file_open");
	ret->inode = btf_find_member(btf, "file", "f_inode");
	ret->superblock = btf_find_member(btf, "inode", "i_sb");
	ret->magic = btf_find_member(btf, "super_block", "s_magic");
	if (hook < 0 || ret->inode < 0 || ret->superblock < 0 || ret->magic < 0)
		return failure_set(failure, -EOPNOTSUPP, NULL,
				   "the kernel's BPF LSM lacks the hook file_open");
	ret->hook = (uint32_t)hook;
	known = *ret;
	return 0;
}

int filter_files(const struct spec *spec, struct filter *filter, struct failure *failure)
{
	char *const *names = spec_filters(spec)->file_systems;
	bool deny = names && strcmp(names[0], "~") == 0;
	_cleanup_free_ char *list = names ? text_list_join(names + deny, " ") : NULL;
	struct filter_files_offsets offsets = {};
	struct filter_program *program;
	int r;

	if (!names)
		return 0;
	program = filter_append(filter, "svcd_files", BPF_PROG_TYPE_LSM, BPF_LSM_CGROUP,
				SPEC_FILTERS_ORIGIN(file_systems));
	if (!program || !list)
		return -ENOMEM;
	program->words = text_format("files opened %s %s", deny ? "not on" : "only on", list);
	if (!program->words)
		return -ENOMEM;
	r = filter_files_find(&offsets, failure);
	if (r < 0)
		return r;
	program->btf_id = offsets.hook;
	return filter_files_assemble(program, &offsets, deny, names + deny);
}
