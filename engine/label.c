/* A label is a word written to a file of the process's own /proc directory (the kernel's Documentation/admin-guide/LSM): AppArmor and
 * SELinux take it for the next execve(2), Smack at once.
 *
 * A module that is not active would not even have the file, or another module's would be found there. So whether it is, is
 * asked here, and a label that nobody can enforce stops the start, unless "-" before it says that errors do not matter. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "engine/label.h"

#define LABEL_ORIGIN(build, field) \
	build_origin((build), SPEC_CONFINEMENT_ORIGIN(offsetof(struct spec_confinement, field)), 0)

enum label_module { LABEL_APPARMOR, LABEL_SELINUX, LABEL_SMACK };

static bool label_file_system_known(const char *name)
{
	_cleanup_free_ char *text = NULL, *line = text_format("\t%s\n", name);

	return line && fd_read_file_at(AT_FDCWD, "/proc/filesystems", 65536, &text) >= 0 &&
	       strstr(text, line);
}

static bool label_module_active(enum label_module module)
{
	_cleanup_free_ char *text = NULL;

	switch (module) {
	case LABEL_APPARMOR:
		return fd_read_file_at(AT_FDCWD, "/sys/module/apparmor/parameters/enabled", 16, &text) > 0 &&
		       *text == 'Y';
	/* Their file systems are only there when they are. */
	case LABEL_SELINUX:
		return label_file_system_known("selinuxfs");
	case LABEL_SMACK:
		return label_file_system_known("smackfs");
	}
	return false;
}

static bool label_optional(const char *label)
{
	return *label == '-';
}

/* SecurityLabelType= and its like say parts of a context. */
static bool label_of_container(const struct spec_confinement *labels)
{
	return !labels->label_disable && (labels->label_type || labels->label_level);
}

static int label_check_one(struct build *build, size_t origin, const char *label, enum label_module module)
{
	static const char *const names[] = {"AppArmor", "SELinux", "Smack"};

	build_origin(build, SPEC_CONFINEMENT_ORIGIN(origin), 0);
	if (!label || label_optional(label) || label_module_active(module))
		return 0;
	return build_fail(build, -EOPNOTSUPP, "%s is not active in this kernel", names[module]);
}

int label_check(struct build *build)
{
	const struct spec_confinement *labels = spec_confinement(build->spec);
	const char *container = labels->label_type ?: labels->label_level ?: labels->label_file_type;
	int r = label_check_one(build, offsetof(struct spec_confinement, apparmor_profile),
				labels->apparmor_profile, LABEL_APPARMOR);

	if (r == 0)
		r = label_check_one(build, offsetof(struct spec_confinement, selinux_context),
				    labels->selinux_context, LABEL_SELINUX);
	if (r == 0)
		r = label_check_one(build, offsetof(struct spec_confinement, smack_label),
				    labels->smack_label, LABEL_SMACK);
	if (r == 0 && !labels->label_disable)
		r = label_check_one(build,
				    labels->label_type ? offsetof(struct spec_confinement, label_type)
				    : labels->label_level
					    ? offsetof(struct spec_confinement, label_level)
					    : offsetof(struct spec_confinement, label_file_type),
				    container, LABEL_SELINUX);
	if (r == 0 && labels->label_nested)
		r = label_check_one(build, offsetof(struct spec_confinement, label_nested), "",
				    LABEL_SELINUX);
	return r;
}

static void label_emit_one(struct build *build, enum program_code code, const char *path, const char *prefix,
			   const char *label, enum label_module module)
{
	bool optional = label_optional(label);
	_cleanup_free_ char *content = NULL;
	uint32_t text, text2;
	struct program_op *op;

	if (optional && !label_module_active(module))
		return;
	content = text_format("%s%s", prefix, label + optional);
	if (!content)
		build->failed = true;
	text = build_text(build, path);
	text2 = build_text(build, content);
	op = build_op(build, code);
	op->text = text;
	op->text2 = text2;
	op->flags = optional ? PROGRAM_OPTIONAL : 0;
}

void label_emit_privileged(struct build *build)
{
	const char *label = spec_confinement(build->spec)->smack_label;

	if (!label || build->command->full_privileges)
		return;
	LABEL_ORIGIN(build, smack_label);
	label_emit_one(build, PROGRAM_SMACK, "self/attr/smack/current", "", label, LABEL_SMACK);
}

/* What container engines give a container on an SELinux host, with the parts that the unit says. */
static void label_emit_container(struct build *build)
{
	const struct spec_confinement *labels = spec_confinement(build->spec);
	_cleanup_free_ char *context = text_format(
		"system_u:system_r:%s:%s", labels->label_type ?: "container_t", labels->label_level ?: "s0");

	if (!context) {
		build->failed = true;
		return;
	}
	if (labels->label_type)
		LABEL_ORIGIN(build, label_type);
	else
		LABEL_ORIGIN(build, label_level);
	label_emit_one(build, PROGRAM_SELINUX, "self/attr/exec", "", context, LABEL_SELINUX);
}

/* The type of the files in a container's root, as an option of its overlay. */
static void label_set_files(struct build *build)
{
	const struct spec_confinement *labels = spec_confinement(build->spec);
	_cleanup_free_ char *option = NULL;
	uint32_t text;

	if (!labels->label_file_type || labels->label_disable)
		return;
	option = text_format(",context=\"system_u:object_r:%s:%s\"", labels->label_file_type,
			     labels->label_level ?: "s0");
	if (!option)
		build->failed = true;
	text = build_text(build, option);
	for (size_t i = 0; i < build->n_ops; i++)
		if (build->ops[i].code == PROGRAM_OVERLAY)
			build->ops[i].number2 = text;
}

void label_emit(struct build *build)
{
	const struct spec_confinement *labels = spec_confinement(build->spec);

	label_set_files(build);
	if (labels->apparmor_profile) {
		LABEL_ORIGIN(build, apparmor_profile);
		label_emit_one(build, PROGRAM_APPARMOR, "self/attr/apparmor/exec", "exec ",
			       labels->apparmor_profile, LABEL_APPARMOR);
	}
	if (labels->selinux_context) {
		LABEL_ORIGIN(build, selinux_context);
		label_emit_one(build, PROGRAM_SELINUX, "self/attr/exec", "", labels->selinux_context,
			       LABEL_SELINUX);
	} else if (label_of_container(labels)) {
		label_emit_container(build);
	}
}
