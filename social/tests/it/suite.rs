use crate::harness::Site;

presswork_social::social_target_conformance!(Site);
