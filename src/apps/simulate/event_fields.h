#pragma once
// Where the fields lie that the simulator sets, by record; found by name once.
//
// Pure.

#include "apps/simulate/record_writer.h"

namespace tradewind::simulate {

struct EnvelopeFields {
  explicit EnvelopeFields(const RecordWriter& in)
      : event_id(in.index_of("event_id")),
        event_type(in.index_of("event_type")),
        event_time(in.index_of("event_time")),
        source(in.index_of("source")) {}
  size_t event_id, event_type, event_time, source;
};

struct VisitFields {
  explicit VisitFields(const RecordWriter& in)
      : visitor_id(in.index_of("visitor_id")),
        customer_id(in.index_of("customer_id")),
        session_id(in.index_of("session_id")),
        value(in.index_of("value")),
        currency(in.index_of("currency")),
        order_id(in.index_of("order_id")),
        checkout_id(in.index_of("checkout_id")),
        list_id(in.index_of("list_id")),
        list_name(in.index_of("list_name")),
        coupon_code(in.index_of("coupon_code")),
        coupon_reason(in.index_of("coupon_reason")),
        promotion_id(in.index_of("promotion_id")),
        slot(in.index_of("slot")),
        recommendation_id(in.index_of("recommendation_id")),
        model_version(in.index_of("model_version")),
        experiment(in.index_of("experiment")),
        step(in.index_of("step")),
        step_name(in.index_of("step_name")),
        shipping_method(in.index_of("shipping_method")),
        payment_method(in.index_of("payment_method")),
        dwell_ms(in.index_of("dwell_ms")),
        scroll_pct(in.index_of("scroll_pct")),
        bot_score(in.index_of("bot_score")),
        email_hash(in.index_of("email_hash")),
        failure_reason(in.index_of("failure_reason")),
        page(in.index_of("page")),
        search(in.index_of("search")),
        consent(in.index_of("consent")),
        device(in.index_of("device")),
        net(in.index_of("net")),
        campaign(in.index_of("campaign")),
        items(in.index_of("items")),
        attributes(in.index_of("attributes")) {}
  size_t visitor_id, customer_id, session_id, value, currency, order_id, checkout_id, list_id, list_name,
      coupon_code, coupon_reason, promotion_id, slot, recommendation_id, model_version, experiment, step,
      step_name, shipping_method, payment_method, dwell_ms, scroll_pct, bot_score, email_hash, failure_reason,
      page, search, consent, device, net, campaign, items, attributes;
};

struct OrderFields {
  explicit OrderFields(const RecordWriter& in)
      : order_id(in.index_of("order_id")),
        customer_id(in.index_of("customer_id")),
        currency(in.index_of("currency")),
        total(in.index_of("total")),
        subtotal(in.index_of("subtotal")),
        discount_total(in.index_of("discount_total")),
        shipping_total(in.index_of("shipping_total")),
        refund_total(in.index_of("refund_total")),
        payment(in.index_of("payment")),
        order_version(in.index_of("order_version")),
        visitor_id(in.index_of("visitor_id")),
        session_id(in.index_of("session_id")),
        channel(in.index_of("channel")),
        status(in.index_of("status")),
        placed_at(in.index_of("placed_at")),
        is_guest(in.index_of("is_guest")),
        is_first_order(in.index_of("is_first_order")),
        shipping_speed(in.index_of("shipping_speed")),
        email_hash(in.index_of("email_hash")),
        email_domain(in.index_of("email_domain")),
        phone_hash(in.index_of("phone_hash")),
        account_created_at(in.index_of("account_created_at")),
        last_password_change_at(in.index_of("last_password_change_at")),
        last_address_change_at(in.index_of("last_address_change_at")),
        cancel_reason(in.index_of("cancel_reason")),
        refund_reason(in.index_of("refund_reason")),
        return_reason(in.index_of("return_reason")),
        chargeback_reason_code(in.index_of("chargeback_reason_code")),
        label_known_at(in.index_of("label_known_at")),
        billing(in.index_of("billing")),
        shipping(in.index_of("shipping")),
        device(in.index_of("device")),
        net(in.index_of("net")),
        items(in.index_of("items")) {}
  size_t order_id, customer_id, currency, total, subtotal, discount_total, shipping_total, refund_total,
      payment, order_version, visitor_id, session_id, channel, status, placed_at, is_guest, is_first_order,
      shipping_speed, email_hash, email_domain, phone_hash, account_created_at, last_password_change_at,
      last_address_change_at, cancel_reason, refund_reason, return_reason, chargeback_reason_code,
      label_known_at, billing, shipping, device, net, items;
};

struct StockFields {
  explicit StockFields(const RecordWriter& in)
      : product_id(in.index_of("product_id")),
        location_id(in.index_of("location_id")),
        version(in.index_of("version")),
        delta(in.index_of("delta")),
        on_hand(in.index_of("on_hand")),
        reserved(in.index_of("reserved")),
        available(in.index_of("available")),
        inbound(in.index_of("inbound")),
        unit_cost(in.index_of("unit_cost")),
        price(in.index_of("price")),
        list_price(in.index_of("list_price")),
        currency(in.index_of("currency")),
        reorder_point(in.index_of("reorder_point")),
        reorder_quantity(in.index_of("reorder_quantity")),
        sku(in.index_of("sku")),
        category(in.index_of("category")),
        supplier_id(in.index_of("supplier_id")),
        order_id(in.index_of("order_id")),
        purchase_order_id(in.index_of("purchase_order_id")),
        reason(in.index_of("reason")),
        expected_at(in.index_of("expected_at")),
        lead_time_days(in.index_of("lead_time_days")),
        lead_time_sd(in.index_of("lead_time_sd")),
        attributes(in.index_of("attributes")) {}
  size_t product_id, location_id, version, delta, on_hand, reserved, available, inbound, unit_cost, price,
      list_price, currency, reorder_point, reorder_quantity, sku, category, supplier_id, order_id,
      purchase_order_id, reason, expected_at, lead_time_days, lead_time_sd, attributes;
};

struct ProfileFields {
  explicit ProfileFields(const RecordWriter& in)
      : customer_id(in.index_of("customer_id")),
        orders_count(in.index_of("orders_count")),
        orders_total(in.index_of("orders_total")),
        refunds_count(in.index_of("refunds_count")),
        currency(in.index_of("currency")),
        segment(in.index_of("segment")),
        created_at(in.index_of("created_at")),
        last_login_at(in.index_of("last_login_at")),
        last_password_change_at(in.index_of("last_password_change_at")),
        last_address_change_at(in.index_of("last_address_change_at")),
        email_hash(in.index_of("email_hash")),
        email_domain(in.index_of("email_domain")),
        name_hash(in.index_of("name_hash")),
        birth_year(in.index_of("birth_year")),
        language(in.index_of("language")),
        country(in.index_of("country")),
        default_shipping(in.index_of("default_shipping")),
        visitor_ids(in.index_of("visitor_ids")) {}
  size_t customer_id, orders_count, orders_total, refunds_count, currency, segment, created_at, last_login_at,
      last_password_change_at, last_address_change_at, email_hash, email_domain, name_hash, birth_year,
      language, country, default_shipping, visitor_ids;
};

struct TruthFields {
  explicit TruthFields(const RecordWriter& in)
      : subject_kind(in.index_of("subject_kind")),
        subject_id(in.index_of("subject_id")),
        visitor_id(in.index_of("visitor_id")),
        customer_id(in.index_of("customer_id")),
        session_id(in.index_of("session_id")) {}
  size_t subject_kind, subject_id, visitor_id, customer_id, session_id;
};

struct ItemFields {
  explicit ItemFields(const RecordWriter& in)
      : product_id(in.index_of("product_id")),
        sku(in.index_of("sku")),
        name(in.index_of("name")),
        brand(in.index_of("brand")),
        category(in.index_of("category")),
        quantity(in.index_of("quantity")),
        unit_price(in.index_of("unit_price")),
        list_price(in.index_of("list_price")),
        unit_cost(in.index_of("unit_cost")),
        discount(in.index_of("discount")),
        line_total(in.index_of("line_total")),
        is_gift_card(in.index_of("is_gift_card")),
        is_digital(in.index_of("is_digital")),
        resale_risk(in.index_of("resale_risk")),
        category_path(in.index_of("category_path")) {}
  size_t product_id, sku, name, brand, category, quantity, unit_price, list_price, unit_cost, discount,
      line_total, is_gift_card, is_digital, resale_risk, category_path;
};

struct PaymentFields {
  explicit PaymentFields(const RecordWriter& in)
      : payment_id(in.index_of("payment_id")),
        attempt(in.index_of("attempt")),
        method(in.index_of("method")),
        status(in.index_of("status")),
        amount(in.index_of("amount")),
        currency(in.index_of("currency")),
        gateway(in.index_of("gateway")),
        card_fingerprint(in.index_of("card_fingerprint")),
        bin(in.index_of("bin")),
        last4(in.index_of("last4")),
        brand(in.index_of("brand")),
        funding(in.index_of("funding")),
        issuer_country(in.index_of("issuer_country")),
        avs_result(in.index_of("avs_result")),
        cvv_result(in.index_of("cvv_result")),
        decline_code(in.index_of("decline_code")),
        decline_kind(in.index_of("decline_kind")),
        stored(in.index_of("stored")) {}
  size_t payment_id, attempt, method, status, amount, currency, gateway, card_fingerprint, bin, last4, brand,
      funding, issuer_country, avs_result, cvv_result, decline_code, decline_kind, stored;
};

}  // namespace tradewind::simulate
