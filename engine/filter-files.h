/* On which file systems files may be opened: RestrictFileSystems= of systemd.exec(5), by the kernel's BPF LSM. */
#pragma once

#include "engine/filter.h"

/* Where the program finds what, in this kernel. */
struct filter_files_offsets {
	uint32_t hook;		      /* BTF id of bpf_lsm_file_open */
	int inode, superblock, magic; /* file.f_inode, inode.i_sb, super_block.s_magic */
};

/* NAMES of filter_magics[]: those that may be used, or with DENY those that may not. */
int filter_files_assemble(struct filter_program *program, const struct filter_files_offsets *offsets,
			  bool deny, char *const *names);
