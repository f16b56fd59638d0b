#include "sendmail/words.h"

#include "core/bytes.h"

#include <algorithm>
#include <string_view>

namespace postern::sendmail {
namespace {

// Options with a value that say nothing to us: alias and configuration files, hop count, log tags, DSN wishes, body type …
constexpr std::string_view kValueIgnored = "ABCdhLMNOoRVXp";
constexpr std::string_view kFlagIgnored = "GimnUv";

void add_recipients(std::string_view text, std::vector<std::string>& recipients) {
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const std::string_view one = trim_ascii_space(text.substr(0, comma));
    if (!one.empty()) recipients.emplace_back(one);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
}

class Reader {
 public:
  explicit Reader(std::span<const std::string> words) : words_(words) {}

  Result<Call> read() {
    bool is_over = false;
    while (at_ < words_.size()) {
      const std::string& word = words_[at_++];
      if (!is_over && word == "--") {
        is_over = true;
      } else if (is_over || word.size() < 2 || word.front() != '-') {
        add_recipients(word, call_.recipients);
      } else if (const auto taken = take(word); !taken) {
        return taken.error();
      }
    }
    return std::move(call_);
  }

 private:
  Result<void> take(const std::string& word) {
    const char option = word[1];
    const std::string rest = word.substr(2);
    switch (option) {
      case 'f':
      case 'r':
        return value(option, rest, call_.sender);
      case 'F':
        return value(option, rest, call_.full_name);
      case 'b':
        return take_mode(rest);
      case 't':
        call_.reads_header = true;
        return take_flags(rest);
      case 'i':
        call_.ignores_dots = true;
        return take_flags(rest);
      case 'q':
        call_.mode = Mode::Flush;
        return {};  // -q30m asks for a daemon: the timer is one
      case 'o':
        if (rest == "i") call_.ignores_dots = true;
        break;
      default:
        break;
    }
    if (kFlagIgnored.find(option) != std::string_view::npos) return take_flags(rest);
    if (kValueIgnored.find(option) == std::string_view::npos) {
      return Error(ErrorCode::InvalidArgument, "there is no option " + word);
    }
    std::string ignored;
    // -o and -d carry their value in the same word, always.
    return option == 'o' || option == 'd' ? Result<void>() : value(option, rest, ignored);
  }

  // Flags may stand in one word: -ti.
  Result<void> take_flags(const std::string& rest) { return rest.empty() ? Result<void>() : take("-" + rest); }

  Result<void> value(char option, const std::string& rest, std::string& to) {
    if (rest.empty() && at_ == words_.size()) {
      return Error(ErrorCode::InvalidArgument, std::string("-") + option + " wants a value behind it");
    }
    to = rest.empty() ? words_[at_++] : rest;
    return {};
  }

  Result<void> take_mode(const std::string& mode) {
    if (mode == "m") return {};
    if (mode == "s") return call_.mode = Mode::Dialogue, Result<void>();
    if (mode == "p") return call_.mode = Mode::List, Result<void>();
    return Error(ErrorCode::InvalidArgument, "-b" + mode + " is none of -bm, -bs and -bp");
  }

  std::span<const std::string> words_;
  std::size_t at_ = 0;
  Call call_;
};

}  // namespace

Result<Call> read_words(std::span<const std::string> words) {
  return Reader(words).read();
}

}  // namespace postern::sendmail
