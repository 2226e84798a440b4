//! Merchants' people: where they work, and that an owner stays: invariant 24.

use super::check::Check;

pub(super) const CHECKS: &[Check] = &[
    Check {
        number: 24,
        name: "Whoever has a post at a branch works for the merchant whose branch it is",
        sql: "select 'staff ' || {uuid staff.staff_id} || ': works for merchant ' || {uuid staff.merchant_id}
                || ', the post is at branch ' || {uuid branch.branch_id} || ' of another one' as what
            from staff_post
            join staff on staff.staff_id = staff_post.staff_id
            join branch on branch.branch_id = staff_post.branch_id
            where branch.merchant_id <> staff.merchant_id",
    },
    Check {
        number: 24,
        name: "Whoever works for a merchant has posts, one for each branch; whoever was removed has none",
        sql:
            "select 'staff ' || {uuid staff.staff_id} || case when held.staff_id is null then ': has no post'
                when staff.removed_at is not null then ': was removed and has a post'
                else ': has two posts for one branch' end as what
            from staff
            left join (
                select staff_id, count(branch_id) as at_branches, count(distinct branch_id) as branches,
                    count(*) - count(branch_id) as everywhere
                from staff_post group by staff_id
            ) as held on held.staff_id = staff.staff_id
            where (staff.removed_at is null) <> (held.staff_id is not null)
                or held.at_branches > held.branches or held.everywhere > 1",
    },
    // Whoever was removed has no post that could tell; the audit log can.
    Check {
        number: 24,
        name: "A merchant that ever had an owner has one",
        sql: "select 'merchant ' || {uuid had.merchant_id} || ': had an owner and has none' as what
            from (
                select distinct staff.merchant_id from audit_entry
                join staff on staff.staff_id = audit_entry.target_id
                where audit_entry.act in (50, 51) and audit_entry.target_kind = 5
                    and (audit_entry.detail like '%\"post_\":\"owner\"%'
                        or audit_entry.detail like '%\"post__\":\"owner\"%')
            ) as had
            left join (
                select distinct staff.merchant_id from staff
                join staff_post on staff_post.staff_id = staff.staff_id
                where staff_post.role = 1 and staff.removed_at is null
            ) as owned on owned.merchant_id = had.merchant_id
            where owned.merchant_id is null",
    },
];
