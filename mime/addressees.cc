#include "mime/addressees.h"

#include "core/bytes.h"

#include <algorithm>
#include <set>
#include <utility>

namespace postern::mime {
namespace {

// Finds the addresses of an address list, however odd it is otherwise.
class AddressFinder {
 public:
  explicit AddressFinder(std::vector<Mailbox>& found) : found_(found), element_(found.size()) {}

  void find(std::string_view list) {
    while (!list.empty()) list.remove_prefix(take(list));
    end_word();
  }

 private:
  // The octets that were looked at.
  std::size_t take(std::string_view list) {
    switch (list.front()) {
      case '(': return skip_comment(list);
      case '"': return take_quoted(list);
      case '<':
        // What stood before it was a display name.
        word_.clear();
        found_.resize(element_);
        return 1;
      case ',':
      case ';':
      case ':':
        end_word();
        element_ = found_.size();
        return 1;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case '>':
        end_word();
        return 1;
      default: return take_plain(list);
    }
  }

  std::size_t take_plain(std::string_view list) {
    const std::size_t end = std::min(list.find_first_of("(\"<,;: \t\r\n>"), list.size());
    word_.append(list.substr(0, end));
    return end;
  }

  static std::size_t skip_comment(std::string_view list) {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (list[i] == '\\') {
        ++i;
      } else if (list[i] == '(') {
        ++depth;
      } else if (list[i] == ')' && --depth == 0) {
        return i + 1;
      }
    }
    return list.size();
  }

  std::size_t take_quoted(std::string_view list) {
    std::size_t end = 1;
    while (end < list.size() && list[end] != '"') end += list[end] == '\\' ? 2 : 1;
    end = std::min(end + 1, list.size());
    word_.append(list.substr(0, end));
    return end;
  }

  void end_word() {
    if (word_.find('@') != std::string::npos) {
      if (auto mailbox = parse_mailbox(word_)) found_.push_back(std::move(*mailbox));
    }
    word_.clear();
  }

  std::string word_;
  std::vector<Mailbox>& found_;
  std::size_t element_;  // where those of the list's element under way begin
};

// Adds those that the fields of that name hold.
std::vector<std::string> list_addressees(const HeaderScan& header, std::string_view name, std::vector<Mailbox>& all) {
  std::vector<std::string> listed;
  for (const HeaderField& field : header.fields()) {
    if (!equals_ignoring_case(field.name, name)) continue;
    const std::size_t known = all.size();
    AddressFinder(all).find(field.value);
    for (std::size_t i = known; i < all.size() && listed.size() < kMaxListedAddressees; ++i) {
      listed.push_back(format_mailbox(all[i]));
    }
  }
  return listed;
}

// Whether a recipient is among the named ones. Most are written alike in both places, and few are named.
class NamedAddresses {
 public:
  explicit NamedAddresses(const std::vector<Mailbox>& named) : named_(named) {}

  bool has(const Mailbox& mailbox) {
    for (std::size_t i = 0; i < std::min(named_.size(), kLookedAt); ++i) {
      if (named_[i] == mailbox) return true;
    }
    if (normalised_.empty()) {
      for (const Mailbox& one : named_) normalised_.insert(normalised_mailbox(one));
    }
    return normalised_.contains(normalised_mailbox(mailbox));
  }

 private:
  static constexpr std::size_t kLookedAt = 8;

  const std::vector<Mailbox>& named_;
  std::set<std::string> normalised_;  // once a recipient needs it
};

}  // namespace

AddresseeSummary summarise_addressees(const HeaderScan& header, const Envelope& envelope) {
  AddresseeSummary summary;
  std::vector<Mailbox> named;
  summary.to = list_addressees(header, "To", named);
  summary.cc = list_addressees(header, "Cc", named);
  if (named.empty()) return summary;
  NamedAddresses names(named);
  for (const Recipient& recipient : envelope.recipients) {
    if (summary.bcc.size() == kMaxListedAddressees) break;
    if (!names.has(recipient.mailbox)) summary.bcc.push_back(format_mailbox(recipient.mailbox));
  }
  return summary;
}

}  // namespace postern::mime
