// rule_containers.cc - name and shape of a rule's container.
#include "preload/rule_containers.h"

#include <cstring>

#include "core/events.h"
#include "core/text.h"
#include "preload/log.h"
#include "preload/process.h"

namespace weir {
namespace {

const GroupRule& shaping_rule(const GroupRules& rules, const GroupRule& first) {
  for (std::size_t i = 0; i < rules.count; ++i) {
    const GroupRule& rule = rules.list[i];
    if (rule.container == first.container && rule.each_its_own == first.each_its_own && rule.has_options) {
      return rule;
    }
  }
  return first;
}

}  // namespace

void tell_no_place(Process& p, std::string_view variable, const GroupRule& rule) {
  TextBuffer<128> line;
  line.add(variable).add(": no place for ").add(rule.container.substr(0, kMaxComponentBytes));
  post_event(
      p.engine.os, p.engine.view,
      {EventKind::kBadOption, p.engine.account.container(), p.pid.load(std::memory_order_relaxed), {}, line.view()});
  log_line(LogLevel::kWarn, line.view());
}

ContainerResult make_container_of(Process& p, const RuleContainer& wanted) {
  const ContainerRecord& parent = p.engine.view.container(wanted.parent);
  TextBuffer<kMaxNameBytes * 2> name;
  name.add({parent.name, strnlen(parent.name, sizeof(parent.name))}).add("/").add(wanted.rule.container);
  if (wanted.rule.each_its_own) {
    name.add_number(p.pid.load(std::memory_order_relaxed));
  }
  const GroupRule& shape = shaping_rule(wanted.rules, wanted.rule);
  const MarkOptions asked{shape.limit, shape.high, shape.low};
  ContainerWish wish;
  wish.name = name.view();
  // One of a single process is over with it.
  wish.named = parent.named.load(std::memory_order_relaxed) != 0 && !wanted.rule.each_its_own;
  wish.marks = marks_of(asked);
  wish.oom = shape.oom;
  wish.background = p.options.background;
  wish.adaptive = asked.marks_may_move();
  wish.load_control = wanted.load_control;
  wish.thrash = wanted.thrash;
  return p.engine.view.find_or_make(p.engine.os, wish);
}

}  // namespace weir
