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
  std::vector<Mailbox> find(std::string_view list) {
    while (!list.empty()) list.remove_prefix(take(list));
    end_word();
    end_element();
    return std::move(found_);
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
        element_.clear();
        return 1;
      case ',':
      case ';':
      case ':':
        end_word();
        end_element();
        return 1;
      case ' ':
      case '\t':
      case '\r':
      case '\n':
      case '>':
        end_word();
        return 1;
      default: word_.push_back(list.front()); return 1;
    }
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
      if (auto mailbox = parse_mailbox(word_)) element_.push_back(std::move(*mailbox));
    }
    word_.clear();
  }

  void end_element() {
    for (Mailbox& mailbox : element_) found_.push_back(std::move(mailbox));
    element_.clear();
  }

  std::string word_;
  std::vector<Mailbox> element_;  // of the list's element under way
  std::vector<Mailbox> found_;
};

void list_addressees(const HeaderScan& header, std::string_view name, std::vector<std::string>& listed,
                     std::set<std::string>& all) {
  for (const HeaderField& field : header.fields()) {
    if (!equals_ignoring_case(field.name, name)) continue;
    for (const Mailbox& mailbox : AddressFinder().find(field.value)) {
      all.insert(normalised_mailbox(mailbox));
      if (listed.size() < kMaxListedAddressees) listed.push_back(format_mailbox(mailbox));
    }
  }
}

}  // namespace

AddresseeSummary summarise_addressees(const HeaderScan& header, const Envelope& envelope) {
  AddresseeSummary summary;
  std::set<std::string> named;
  list_addressees(header, "To", summary.to, named);
  list_addressees(header, "Cc", summary.cc, named);
  if (named.empty()) return summary;
  for (const Recipient& recipient : envelope.recipients) {
    if (summary.bcc.size() == kMaxListedAddressees) break;
    if (!named.contains(normalised_mailbox(recipient.mailbox))) summary.bcc.push_back(format_mailbox(recipient.mailbox));
  }
  return summary;
}

}  // namespace postern::mime
