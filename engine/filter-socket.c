/* Which ports sockets may be bound to (SocketBindAllow=, SocketBindDeny=), and through which interfaces packets go
 * (RestrictNetworkInterfaces=): systemd.resource-control(5). */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/text.h"
#include "engine/filter-text.h"
#include "engine/filter.h"

/* --- ports ---------------------------------------------------------------------------------------------- */

/* To LABEL if the port in register 2 and the protocol in register 3 are the rule's. Register 2 is in host order. */
static void filter_socket_match(struct bpf_code *code, const struct filter_ports *ports, unsigned label)
{
	unsigned next = bpf_code_label(code);

	if (ports->protocol)
		bpf_code_jump(code, BPF_JNE, BPF_REG_3, ports->protocol, next);
	if (ports->n) {
		bpf_code_jump(code, BPF_JLT, BPF_REG_2, ports->first, next);
		bpf_code_jump(code, BPF_JGT, BPF_REG_2, ports->first + ports->n - 1, next);
	}
	/* Always so; but the kernel takes no instruction that nothing leads to, such as those behind a rule for all. */
	bpf_code_jump(code, BPF_JGE, BPF_REG_2, 0, label);
	bpf_code_place(code, next);
}

/* The rules of LIST that are for FAMILY. Returns how many there are, or a negative errno. */
static int filter_socket_match_list(struct bpf_code *code, char *const *list, int family, unsigned label)
{
	int n = 0;

	for (; list && *list; list++) {
		struct filter_ports ports;
		int r = filter_text_ports(*list, &ports);

		if (r < 0)
			return r;
		if (ports.family && ports.family != family)
			continue;
		filter_socket_match(code, &ports, label);
		n++;
	}
	return n;
}

/* Allowed, else denied, else allowed. The port comes in network order, in 16 of 32 bits. */
static int filter_socket_assemble(const struct spec_filters *filters, int family, struct bpf_code *code)
{
	unsigned allow = bpf_code_label(code), deny = bpf_code_label(code);
	int denied, r;

	bpf_code_load(code, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct bpf_sock_addr, user_port));
	bpf_code_append(
		code,
		(struct bpf_insn){.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = BPF_REG_2, .imm = 16});
	bpf_code_load(code, BPF_W, BPF_REG_3, BPF_REG_1, offsetof(struct bpf_sock_addr, protocol));
	r = filter_socket_match_list(code, filters->bind_allow, family, allow);
	denied = r < 0 ? r : filter_socket_match_list(code, filters->bind_deny, family, deny);
	if (denied < 0)
		return denied;
	bpf_code_place(code, allow);
	bpf_code_return(code, 1);
	if (denied > 0) {
		bpf_code_place(code, deny);
		bpf_code_return(code, 0);
	}
	return bpf_code_finish(code);
}

static char *filter_socket_words(const struct spec_filters *filters, int family)
{
	_cleanup_free_ char *deny = text_list_join(filters->bind_deny, " "),
			    *allow = text_list_join(filters->bind_allow, " ");

	if (!deny || !allow)
		return NULL;
	return text_format("%s ports to bind deny %s%s%s", family == AF_INET ? "IPv4" : "IPv6", deny,
			   *allow ? " but for " : "", allow);
}

static int filter_socket_bind(const struct spec *spec, struct filter *filter)
{
	int r = 0;

	/* Where nothing is denied there is nothing to allow. */
	for (int v6 = 0; v6 < 2 && r == 0 && spec_filters(spec)->bind_deny; v6++) {
		struct filter_program *program = filter_append(
			filter, v6 ? "svcd_bind6" : "svcd_bind4", BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			v6 ? BPF_CGROUP_INET6_BIND : BPF_CGROUP_INET4_BIND, SPEC_FILTERS_ORIGIN(bind_deny));

		if (!program)
			return -ENOMEM;
		program->words = filter_socket_words(spec_filters(spec), v6 ? AF_INET6 : AF_INET);
		r = program->words ? filter_socket_assemble(spec_filters(spec), v6 ? AF_INET6 : AF_INET,
							    &program->code)
				   : -ENOMEM;
	}
	return r;
}

/* --- interfaces ----------------------------------------------------------------------------------------- */

/* A map holds the indices of the listed interfaces; who loads it keeps it up to date. */
static int filter_socket_assemble_interfaces(struct filter_program *program, bool deny_listed,
					     char *const *names)
{
	enum { KEY = -4 };
	struct filter_map map = {.kind = FILTER_MAP_INTERFACES, .key_size = sizeof(uint32_t)};
	struct bpf_code *code = &program->code;
	unsigned listed = bpf_code_label(code);
	char **copy = NULL;

	if (text_list_copy(names, &copy) < 0)
		return -ENOMEM;
	map.keys = copy;
	bpf_code_load(code, BPF_W, BPF_REG_2, BPF_REG_1, offsetof(struct __sk_buff, ifindex));
	bpf_code_store(code, BPF_W, BPF_REG_10, KEY, BPF_REG_2);
	bpf_code_map(code, BPF_REG_1, filter_add_map(program, map));
	bpf_code_move(code, BPF_REG_2, BPF_REG_10);
	bpf_code_alu(code, BPF_ADD, BPF_REG_2, KEY);
	bpf_code_call(code, BPF_FUNC_map_lookup_elem);
	bpf_code_jump(code, BPF_JNE, BPF_REG_0, 0, listed);
	bpf_code_return(code, deny_listed);
	bpf_code_place(code, listed);
	bpf_code_return(code, !deny_listed);
	return bpf_code_finish(code);
}

static int filter_socket_interfaces(const struct spec *spec, struct filter *filter)
{
	char *const *names = spec_filters(spec)->interfaces;
	bool deny = names && strcmp(names[0], "~") == 0;
	int r = 0;

	for (int egress = 0; egress < 2 && r == 0 && names; egress++) {
		_cleanup_free_ char *list = text_list_join(names + deny, " ");
		struct filter_program *program = filter_append(
			filter, egress ? "svcd_if_egress" : "svcd_if_ingress", BPF_PROG_TYPE_CGROUP_SKB,
			egress ? BPF_CGROUP_INET_EGRESS : BPF_CGROUP_INET_INGRESS,
			SPEC_FILTERS_ORIGIN(interfaces));

		if (!program || !list)
			return -ENOMEM;
		program->words = text_format("packets %s %s interfaces %s", egress ? "sent" : "received",
					     deny ? "not through" : "only through", list);
		r = program->words ? filter_socket_assemble_interfaces(program, deny, names + deny) : -ENOMEM;
	}
	return r;
}

int filter_socket(const struct spec *spec, struct filter *filter)
{
	int r = filter_socket_bind(spec, filter);

	return r < 0 ? r : filter_socket_interfaces(spec, filter);
}
