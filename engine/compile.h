/* Spec → launch program. All that allocates, resolves a name or calls a library happens here; the program
 * that comes out only needs system calls. Pure but for reading: passwd and group files, environment files, paths that must exist. A
 * program may be kept for as long as those do not matter: one whose spec has environment files is compiled for every start. */
#pragma once

#include "engine/program.h"
#include "engine/spec.h"

/* One command line of a service. */
struct compile_command {
	const char *
		path; /* NULL: the user's shell; absolute, in the container; or a name looked up in the container's PATH at compile time */
	char *const *argv;    /* argv[0] may differ from path ("@") */
	bool full_privileges; /* "+": no identity, capability, seccomp or namespace of the spec applies */
	bool no_setuid;	      /* "!": identity is kept, the rest applies */
	bool no_terminal; /* not for this one: its standard input is nothing where the spec has a terminal */
	bool expand; /* replace $NAME and ${NAME} in argv by the container's environment, as systemd does */
};

/* What the manager adds for this launch; nothing of it changes at a restart of the same command. */
struct compile_context {
	const char *name;	  /* the container's: default hostname, and part of generated paths */
	char *const *environment; /* added after the spec's: NAME=VALUE */
	const char *
		notify_socket; /* on the host; bound into a container with a root of its own at COMPILE_NOTIFY_PATH; NULL: none */
	const char *
		memory_pressure; /* the file of the unit's cgroup, on the host; bound in at COMPILE_PRESSURE_PATH; NULL: none */
	const char *
		pressure_point; /* an empty file of the host, made if missing: where that is bound on the host's own tree; NULL: as above */
	const char *volume_directory; /* where named volumes are kept */
	const char *state_directory;  /* where a persistent upper layer lives by default */
	uint32_t auto_range;	      /* first host id for SPEC_USER_AUTO and NO_MAP; 0: none could be had */
	/* What StateDirectory= and its siblings are below of, by spec_directory; NULL: there is no place. */
	const char *const *directories;
	/* Searched for credentials by name, the second for sealed ones; NULL: none. */
	char *const *credential_stores, *const *sealed_credential_stores;
	const char *secret_directory;	   /* where a container's secrets are looked for first; NULL */
	const char *credentials_directory; /* $CREDENTIALS_DIRECTORY; NULL: there is no place */
	bool credentials_on_disk; /* without the privilege to mount: that directory is really there */
	/* CLONE_NEWNET, CLONE_NEWIPC: if private, then not made but brought by the launch, for all processes that share
	   it (PROGRAM_DESCRIPTOR_SHARED) */
	uint32_t shared;
	bool shared_tmp;   /* the same with /tmp and /var/tmp */
	bool in_cgroup;	   /* the child is born in a cgroup of its own */
	unsigned n_passed; /* descriptors 3…: passed sockets and files, at the end of the descriptor list */
	const char *const *passed_names; /* of each, for LISTEN_FDNAMES */
	uint32_t dynamic_uid;		 /* of spec.user, who exists for this service; 0: he is looked up */
	const char *dynamic_passwd,
		*dynamic_group; /* files of the host that name him, seen by the service as its own */
	/* svcctl exec: a pseudo terminal of its own, whose master goes to a socket (PROGRAM_DESCRIPTOR_TERMINAL) */
	bool terminal;
	uint16_t terminal_rows, terminal_columns;
	bool join_exactly; /* with join_pidfd: just these are joined, whatever the spec says: CLONE_NEW* */
	uint32_t join_namespaces;
	int join_pidfd; /* svcctl exec: join the namespaces of this process instead of making any; -1. Only whether it is
					set matters here: the launch brings it (PROGRAM_DESCRIPTOR_JOIN) */
};
#define COMPILE_PRESSURE_PATH "/run/svcd-memory-pressure"
#define COMPILE_NOTIFY_PATH   "/run/svcd-notify"
#define COMPILE_TTY_PATH      "/dev/console" /* without TTYPath= */

/* A descriptor the launch must bring beyond the three streams. */
struct program_descriptor {
	enum {
		PROGRAM_DESCRIPTOR_PATH,      /* O_PATH of `path` on the host, opened anew at every launch */
		PROGRAM_DESCRIPTOR_NAMESPACE, /* O_RDONLY of `path`, an nsfs file */
		PROGRAM_DESCRIPTOR_JOIN,      /* context.join_pidfd */
		PROGRAM_DESCRIPTOR_TERMINAL,  /* for compile_context.terminal */
		PROGRAM_DESCRIPTOR_UNIT,      /* a pidfd of the main process of the unit `path` */
		PROGRAM_DESCRIPTOR_SHARED, /* a `namespace` of compile_context.shared, or O_PATH of the directory `index`: 0
						 for /tmp, 1 for /var/tmp */
		PROGRAM_DESCRIPTOR_PASSED, /* a passed socket, `index` of n_passed */
		PROGRAM_DESCRIPTOR_DIRECTORY, /* O_PATH of a directory of the service's, made if need be: origin and origin_item say
						 which; `path` is for people */
		PROGRAM_DESCRIPTOR_FILTER, /* of PROGRAM_FILTER_PASS */
		PROGRAM_DESCRIPTOR_IMAGE,  /* `path` to be read, and written to if `writable` */
	} kind;
	char *path;
	unsigned index;
	bool writable;	    /* IMAGE */
	uint32_t namespace; /* NAMESPACE: CLONE_NEW*, which it must be */
	bool optional; /* PATH: when missing, /dev/null is sent and the operation is skipped by its PROGRAM_OPTIONAL */
	uint32_t origin; /* as in program_op */
	uint16_t origin_item;
};

struct program {
	struct program_header *block;		/* heap; `block->size` bytes */
	struct program_descriptor *descriptors; /* descriptor index 3… */
	size_t n_descriptors;
	/* The service's user as the host sees it, through the id map of its user namespace: whom what is
	 * delegated to it belongs to. The same for all commands of a service, whatever privileges ("+", "!") they
	 * keep. */
	uint32_t uid, gid;
};

/* Compiles. On failure FAILURE says what, and *RET_ORIGIN / *RET_ITEM (may be NULL) which field asked for it, or
 * PROGRAM_NO_ORIGIN. The program is the caller's. */
int compile(const struct spec *spec, const struct compile_command *command,
	    const struct compile_context *context, struct program **ret, struct failure *failure,
	    uint32_t *ret_origin, uint16_t *ret_item);

/* Which of the three standard streams (bit per descriptor) the program itself opens, being its terminal; the
 * launch brings anything for them. */
unsigned compile_terminal_streams(const struct spec *spec, bool no_terminal);

/* What a failure to compile counts as: systemd's exit status (systemd.exec(5), "Process Exit Codes") for the *RET_ORIGIN of compile(): 217
 * for the user, 216 for a group, 226 for namespaces and mounts, 228 for a filter, … and 1 where nothing says more. A program that
 * fails while it runs has the status of the operation instead: program_op_info[].exit_status. */
int compile_exit_status(uint32_t origin);

struct program *program_free(struct program *program);
DEFINE_CLEANUP(struct program *, program_free);

/* A sealed memfd with the block, ready to be sent. Returns the descriptor (the caller's) or a negative errno. */
int program_seal(const struct program *program);

/* One line per operation, without a newline at the end: "mount-overlay / lower=/srv/web:/ upper=tmpfs". INDEX < n_ops. Heap, the caller's. */
char *program_print_op(const struct program_header *program, uint32_t index);
