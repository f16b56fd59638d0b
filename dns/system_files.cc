#include "dns/system_files.h"

#include "core/bytes.h"

#include <algorithm>

namespace postern::dns {
namespace {

constexpr std::size_t kMaxServers = 3;  // MAXNS of resolv.h
constexpr std::size_t kMaxSearch = 6;   // MAXDNSRCH
constexpr std::size_t kMaxDots = 15;    // RES_MAXNDOTS
constexpr std::string_view kOwnServer = "127.0.0.1";

// The words of the next line, without its comment; takes the line off `text`.
std::vector<std::string_view> take_words(std::string_view& text, std::string_view comment_marks) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  line = line.substr(0, line.find_first_of(comment_marks));
  std::vector<std::string_view> words;
  constexpr std::string_view kBlanks = " \t\r\v\f";
  for (std::size_t at = 0;;) {
    at = line.find_first_not_of(kBlanks, at);
    if (at == std::string_view::npos) return words;
    const std::size_t stop = std::min(line.find_first_of(kBlanks, at), line.size());
    words.push_back(line.substr(at, stop - at));
    at = stop;
  }
}

void read_option(std::string_view option, ResolvConf& conf) {
  constexpr std::string_view kDots = "ndots:";
  if (!option.starts_with(kDots)) return;
  if (const auto dots = parse_unsigned(option.substr(kDots.size()))) {
    conf.ndots = std::min<std::size_t>(*dots, kMaxDots);
  }
}

std::string without_last_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return to_ascii_lower(name);
}

}  // namespace

HostTable parse_hosts(std::string_view text) {
  HostTable table;
  while (!text.empty()) {
    const auto words = take_words(text, "#");
    const auto address = words.size() < 2 ? std::nullopt : parse_ip_address(words.front());
    if (!address) continue;
    for (std::size_t i = 1; i < words.size(); ++i) {
      std::vector<IpAddress>& addresses = table[without_last_dot(words[i])];
      if (std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
    }
  }
  std::vector<IpAddress>& local = table["localhost"];
  if (local.empty()) local = {*parse_ip_address("::1"), *parse_ip_address("127.0.0.1")};
  return table;
}

ResolvConf parse_resolv_conf(std::string_view text) {
  ResolvConf conf;
  while (!text.empty()) {
    const auto words = take_words(text, "#;");
    if (words.size() < 2) continue;
    if (words[0] == "nameserver" && conf.servers.size() < kMaxServers) {
      conf.servers.emplace_back(words[1].substr(0, words[1].find('%')));
    } else if (words[0] == "search" || words[0] == "domain") {
      conf.search.clear();
      for (std::size_t i = 1; i < words.size() && conf.search.size() < kMaxSearch; ++i) {
        const std::string domain = without_last_dot(words[i]);
        if (!domain.empty()) conf.search.push_back(domain);
      }
    } else if (words[0] == "options") {
      for (std::size_t i = 1; i < words.size(); ++i) read_option(words[i], conf);
    }
  }
  if (conf.servers.empty()) conf.servers.emplace_back(kOwnServer);
  return conf;
}

std::vector<std::string> candidate_names(std::string_view host, const ResolvConf& conf) {
  const std::string name = without_last_dot(host);
  std::vector<std::string> names;
  const auto dots = static_cast<std::size_t>(std::ranges::count(name, '.'));
  if (dots < conf.ndots && !host.ends_with('.')) {
    for (const std::string& domain : conf.search) names.push_back(name + "." + domain);
  }
  names.push_back(name);
  return names;
}

}  // namespace postern::dns
